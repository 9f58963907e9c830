//! The binary files of CIFAR-10 and CIFAR-100.

use std::fs;
use std::path::{Path, PathBuf};

use super::bytes;
use crate::data::{Data, Pictures, Pixels};
use crate::{DataError, Layout, Loaded};

/// Bytes of a picture: three planes of 32x32.
const PICTURE: usize = 3 * 32 * 32;

/// One of the two data sets.
struct Form {
    train: &'static [&'static str],
    test: &'static str,
    names: &'static str,
    /// Bytes of labels before a picture; the last is the class.
    labels: usize,
}

const FORMS: [Form; 2] = [
    Form {
        train: &[
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
        ],
        test: "test_batch.bin",
        names: "batches.meta.txt",
        labels: 1,
    },
    Form { train: &["train.bin"], test: "test.bin", names: "fine_label_names.txt", labels: 2 },
];

/// Reads the training batches that are there, with the test part.
pub(crate) fn load(dir: &Path) -> Result<Loaded, DataError> {
    let found = FORMS.iter().find_map(|form| {
        let paths: Vec<PathBuf> =
            form.train.iter().map(|name| dir.join(name)).filter(|path| path.is_file()).collect();
        (!paths.is_empty()).then_some((form, paths))
    });
    let Some((form, paths)) = found else {
        return Err(DataError::NoExamples {
            path: dir.to_path_buf(),
            hint: "there is no `data_batch_1.bin` or `train.bin`; give the folder of the binary \
                   version"
                .to_string(),
        });
    };
    let mut notes = Vec::new();
    if paths.len() < form.train.len() {
        notes.push(format!("{} of {} training batches are there", paths.len(), form.train.len()));
    }
    let (pixels, labels) = read(&paths, form)?;
    let test = dir.join(form.test);
    let test = if test.is_file() { Some(read(&[test], form)?) } else { None };
    let tested = test.iter().flat_map(|(_, labels)| labels);
    let top = labels.iter().chain(tested).max().map_or(0, |&l| l as usize + 1);
    let names = names(&dir.join(form.names), top);
    let layout = Layout {
        event: vec![3, 32, 32],
        levels: Some(256),
        class_names: names,
        ..Layout::default()
    };
    let part = |(pixels, labels)| {
        Data::Pictures(Pictures::of_parts(layout.clone(), Pixels::Bytes(pixels), Some(labels)))
    };
    let mut loaded = Loaded::new(part((pixels, labels)));
    loaded.test = test.map(part);
    loaded.notes = notes;
    Ok(loaded)
}

fn read(paths: &[PathBuf], form: &Form) -> Result<(Vec<u8>, Vec<u32>), DataError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        let bytes = bytes::read(path)?;
        let record = form.labels + PICTURE;
        if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
            let message = format!("{} bytes are not whole records of {record}", bytes.len());
            return Err(DataError::format(path, "CIFAR", message));
        }
        for record in bytes.chunks_exact(record) {
            labels.push(u32::from(record[form.labels - 1]));
            pixels.extend(&record[form.labels..]);
        }
    }
    Ok((pixels, labels))
}

/// The names of the classes, or their numbers where there is no file of names.
fn names(path: &Path, count: usize) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let named: Vec<String> =
        text.lines().map(|line| line.trim().to_string()).filter(|line| !line.is_empty()).collect();
    if named.len() >= count { named } else { (0..count).map(|c| c.to_string()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_read_with_their_names() {
        let dir = tempfile::tempdir().unwrap();
        let record = |label: u8, first: u8| {
            let mut bytes = vec![label];
            bytes.extend((0..PICTURE).map(|i| first.wrapping_add((i / 1024) as u8)));
            bytes
        };
        let train = [record(1, 10), record(0, 20)].concat();
        fs::write(dir.path().join("data_batch_1.bin"), &train).unwrap();
        fs::write(dir.path().join("test_batch.bin"), record(2, 30)).unwrap();
        let loaded = load(dir.path()).unwrap();
        let rows = loaded.data.dataset().unwrap().into_owned();
        assert_eq!(rows.event_shape(), [3, 32, 32]);
        assert_eq!((rows.row(1)[0], rows.row(1)[1024], rows.row(1)[2048]), (20.0, 21.0, 22.0));
        assert_eq!(rows.labels(), Some(&[1, 0][..]));
        assert_eq!(rows.class_names(), ["0", "1", "2"]);
        assert_eq!(loaded.test.unwrap().labels(), Some(vec![2]));
        assert!(loaded.notes[0].contains("1 of 5"));
        fs::write(dir.path().join("batches.meta.txt"), "airplane\nautomobile\nbird\n\n").unwrap();
        let names = load(dir.path()).unwrap().data.class_names();
        assert_eq!(names, ["airplane", "automobile", "bird"]);
        fs::write(dir.path().join("data_batch_1.bin"), &train[..5000]).unwrap();
        assert!(load(dir.path()).unwrap_err().to_string().contains("not whole records of 3073"));
        let hundred = tempfile::tempdir().unwrap();
        let bytes = [vec![7], record(42, 5)].concat();
        fs::write(hundred.path().join("train.bin"), bytes).unwrap();
        assert_eq!(load(hundred.path()).unwrap().data.labels(), Some(vec![42]));
        assert!(load(&hundred.path().join("x")).is_err());
    }
}

//! The four files of MNIST and of the data sets that copy its form.

use std::path::{Path, PathBuf};

use crate::read::idx::{IdxArray, read_idx};
use crate::{DataError, Dataset};

/// The training part, with the test part attached.
pub(crate) fn load(dir: &Path) -> Result<Dataset, DataError> {
    let train = part(dir, "train")?;
    let test = part(dir, "t10k")?;
    let classes = train.classes().max(test.classes()).unwrap_or(0);
    let names: Vec<String> = (0..classes).map(|c| c.to_string()).collect();
    train.with_class_names(names.clone())?.with_test_part(test.with_class_names(names)?)
}

fn part(dir: &Path, prefix: &str) -> Result<Dataset, DataError> {
    let images_path = find(dir, &format!("{prefix}-images"), "idx3-ubyte")?;
    let labels_path = find(dir, &format!("{prefix}-labels"), "idx1-ubyte")?;
    let images = read_idx(&images_path)?;
    let labels = read_idx(&labels_path)?;
    let shape_error = |path: &Path, expected, array: &IdxArray| DataError::ArrayShape {
        path: path.to_path_buf(),
        expected,
        got: array.shape.clone(),
    };
    let [n, h, w] = images.shape[..] else {
        return Err(shape_error(&images_path, "images [n, h, w]", &images));
    };
    let [count] = labels.shape[..] else {
        return Err(shape_error(&labels_path, "labels [n]", &labels));
    };
    for (path, array) in [(&images_path, &images), (&labels_path, &labels)] {
        if !array.bytes {
            return Err(DataError::format(path, "idx", "MNIST files hold bytes"));
        }
    }
    if n != count {
        return Err(DataError::Count { a: images_path, a_len: n, b: labels_path, b_len: count });
    }
    let labels = labels.values.iter().map(|&v| v as u32).collect();
    Dataset::from_parts(images.values, vec![1, h, w], Some(labels))?.with_levels(256)
}

/// The file under one of the names it has in the wild.
fn find(dir: &Path, stem: &str, suffix: &str) -> Result<PathBuf, DataError> {
    let canonical = format!("{stem}-{suffix}");
    let dotted = format!("{stem}.{suffix}");
    [&canonical, &dotted]
        .iter()
        .flat_map(|name| [dir.join(name), dir.join(format!("{name}.gz"))])
        .find(|path| path.is_file())
        .ok_or_else(|| DataError::NoExamples {
            path: dir.to_path_buf(),
            hint: format!("there is no `{canonical}` or `{canonical}.gz`; give the folder of the four idx files"),
        })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(dir: &Path, name: &str, shape: &[u32], body: &[u8]) {
        let mut out = vec![0, 0, 8, shape.len() as u8];
        shape.iter().for_each(|s| out.extend(s.to_be_bytes()));
        out.extend(body);
        fs::write(dir.join(name), out).unwrap();
    }

    fn four_files() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "train-images-idx3-ubyte", &[2, 1, 2], &[1, 2, 3, 4]);
        write(dir.path(), "train-labels-idx1-ubyte", &[2], &[0, 1]);
        write(dir.path(), "t10k-images.idx3-ubyte", &[1, 1, 2], &[5, 6]);
        write(dir.path(), "t10k-labels-idx1-ubyte", &[1], &[2]);
        dir
    }

    #[test]
    fn train_and_test_are_read() {
        let dir = four_files();
        let data = load(dir.path()).unwrap();
        assert_eq!((data.len(), data.classes()), (2, Some(3)));
        let test = data.test_part().unwrap();
        assert_eq!((test.values(), test.labels()), (&[5.0, 6.0][..], Some(&[2][..])));
    }

    #[test]
    fn a_missing_file_and_unequal_counts_are_errors() {
        let dir = four_files();
        write(dir.path(), "train-labels-idx1-ubyte", &[3], &[0, 1, 1]);
        let text = load(dir.path()).unwrap_err().to_string();
        assert!(text.contains("2 examples") && text.contains("3 labels"), "{text}");
        write(dir.path(), "train-labels-idx1-ubyte", &[1, 2], &[0, 1]);
        let text = load(dir.path()).unwrap_err().to_string();
        assert!(text.contains("labels [n]"), "{text}");
        fs::remove_file(dir.path().join("train-labels-idx1-ubyte")).unwrap();
        let text = load(dir.path()).unwrap_err().to_string();
        assert!(text.contains("train-labels-idx1-ubyte.gz"), "{text}");
    }
}

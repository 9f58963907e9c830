//! Pairs of texts: lines of two cells, two columns of a table, or two files line by line.

use std::path::Path;

use crate::data::{Data, Pairs};
use crate::read::text;
use crate::table::steps::StepTable;
use crate::{DataError, Loaded, Origins};

/// Where the two sides stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    /// The columns of a table.
    pub columns: Option<[String; 2]>,
    /// The file of the targets.
    pub targets: Option<String>,
}

/// Reads pairs. Without options, a line is a source, a tab and a target.
pub(crate) fn load(path: &Path, sides: &Sides) -> Result<Loaded, DataError> {
    match (&sides.columns, &sides.targets) {
        (Some(columns), _) => of_table(path, columns),
        (None, Some(targets)) => of_files(path, Path::new(targets)),
        (None, None) => of_lines(path),
    }
}

/// Pairs with the line of each, and the lines that were passed over.
#[derive(Default)]
struct Found {
    pairs: Vec<(String, String)>,
    lines: Vec<u64>,
    blank: usize,
}

impl Found {
    /// Takes the two sides of a line; both may be blank, and then are passed over.
    fn take(&mut self, line: u64, sides: [(&Path, &str); 2]) -> Result<(), DataError> {
        match sides.map(|(_, text)| text.trim().is_empty()) {
            [true, true] => self.blank += 1,
            [false, false] => {
                let [source, target] = sides.map(|(_, text)| text.to_string());
                self.pairs.push((source, target));
                self.lines.push(line);
            }
            [source, _] => {
                let (name, (path, _)) =
                    if source { ("source", sides[0]) } else { ("target", sides[1]) };
                let message = format!("the {name} is empty: fill it in or remove the pair");
                return Err(wrong(path, line, message));
            }
        }
        Ok(())
    }

    fn finish(self, path: &Path) -> Result<Loaded, DataError> {
        if self.pairs.is_empty() {
            let hint = "the file holds no pairs of texts".to_string();
            return Err(DataError::NoExamples { path: path.to_path_buf(), hint });
        }
        let mut loaded = Loaded::new(Data::Pairs(Pairs::new(self.pairs)));
        loaded.origins = Some(Origins::Lines(self.lines));
        match self.blank {
            0 => Ok(loaded),
            blank => Ok(loaded.with_note(format!("{blank} blank lines were passed over"))),
        }
    }
}

fn wrong(path: &Path, line: u64, message: String) -> DataError {
    DataError::Line { path: path.to_path_buf(), line, message }
}

fn of_lines(path: &Path) -> Result<Loaded, DataError> {
    let text = text::read(path)?;
    let mut found = Found::default();
    for (i, row) in text.lines().enumerate() {
        let (line, cells) = (i as u64 + 1, row.split('\t').count());
        match row.split_once('\t') {
            Some((source, target)) if cells == 2 => {
                found.take(line, [(path, source), (path, target)])?;
            }
            None if row.trim().is_empty() => found.blank += 1,
            _ => {
                let has = match cells {
                    1 => "no tab".to_string(),
                    cells => format!("{} tabs", cells - 1),
                };
                let message = format!(
                    "the line has {has}: a pair is a source, a tab and a target; of a table name \
                     the columns with source=COLUMN,target=COLUMN"
                );
                return Err(wrong(path, line, message));
            }
        }
    }
    found.finish(path)
}

fn of_files(path: &Path, other: &Path) -> Result<Loaded, DataError> {
    let (sources, targets) = (text::read(path)?, text::read(other)?);
    let [a_len, b_len] = [&sources, &targets].map(|text| text.lines().count());
    if a_len != b_len {
        let message = format!(
            "{a_len} lines, and {} has {b_len}: line by line they are pairs",
            other.display()
        );
        return Err(wrong(path, a_len.min(b_len) as u64 + 1, message));
    }
    let mut found = Found::default();
    for (i, (source, target)) in sources.lines().zip(targets.lines()).enumerate() {
        found.take(i as u64 + 1, [(path, source), (other, target)])?;
    }
    found.finish(path)
}

fn of_table(path: &Path, columns: &[String; 2]) -> Result<Loaded, DataError> {
    let table = StepTable::read(path)?;
    let [source, target] = [table.column(&columns[0])?, table.column(&columns[1])?];
    let cell = |row: usize, column: usize| match table.text(row, column) {
        text if text.trim().is_empty() => {
            let message = "the text is empty: fill it in or remove the pair";
            Err(table.refuse(row, column, message))
        }
        text => Ok(text.to_string()),
    };
    let mut pairs = Vec::with_capacity(table.len());
    for row in 0..table.len() {
        pairs.push((cell(row, source)?, cell(row, target)?));
    }
    Ok(Loaded::new(Data::Pairs(Pairs::new(pairs))))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::data::Items;

    fn pairs(loaded: &Loaded) -> Vec<(String, String)> {
        let Data::Pairs(pairs) = &loaded.data else { panic!("pairs") };
        let sides = pairs.sources().iter().zip(pairs.targets());
        sides.map(|(s, t)| (s.to_string(), t.to_string())).collect()
    }

    fn expected(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(s, t)| (s.to_string(), t.to_string())).collect()
    }

    #[test]
    fn lines_tables_and_two_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("p.tsv"), "\u{feff}Hund\tdog\r\n\nder Hund\tthe  dog \nHund\thound").unwrap();
        let loaded = load(&at("p.tsv"), &Sides::default()).unwrap();
        let all = expected(&[("Hund", "dog"), ("der Hund", "the  dog "), ("Hund", "hound")]);
        assert_eq!(pairs(&loaded), all);
        assert_eq!(loaded.notes, ["1 blank lines were passed over"]);
        assert_eq!(loaded.origins, Some(Origins::Lines(vec![1, 3, 4])));

        fs::write(at("a.de"), "Hund\nder Hund\n").unwrap();
        fs::write(at("a.en"), "dog\nthe dog\n").unwrap();
        let targets = Some(at("a.en").display().to_string());
        let loaded = load(&at("a.de"), &Sides { columns: None, targets }).unwrap();
        assert_eq!(pairs(&loaded), expected(&[("Hund", "dog"), ("der Hund", "the dog")]));

        fs::write(at("t.csv"), "n,de,en\n1,Hund,\"dog, hound\"\n2,NA,1\n").unwrap();
        let columns = Some(["de".to_string(), "en".to_string()]);
        let loaded = load(&at("t.csv"), &Sides { columns, targets: None }).unwrap();
        assert_eq!(pairs(&loaded), expected(&[("Hund", "dog, hound"), ("NA", "1")]));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let all = Pairs::new([("Hund", "dog"), ("a \"b\"", "c, d")]);
        let tsv = dir.path().join("o.tsv");
        all.write(&tsv).unwrap();
        assert_eq!(load(&tsv, &Sides::default()).unwrap().data, Data::Pairs(all.clone()));
        let csv = dir.path().join("o.csv");
        all.write(&csv).unwrap();
        let columns = Some(["source".to_string(), "target".to_string()]);
        let read = load(&csv, &Sides { columns, targets: None }).unwrap();
        assert_eq!(read.data, Data::Pairs(all));
        let broken = Pairs::new([("a\tb", "c\nd")]);
        broken.write(&tsv).unwrap();
        assert_eq!(fs::read_to_string(&tsv).unwrap(), "a b\tc d\n");
        let txt = dir.path().join("o.txt");
        broken.write(&txt).unwrap();
        assert_eq!(fs::read_to_string(&txt).unwrap(), "c d\n");
    }

    #[test]
    fn bad_files_are_errors_that_name_the_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.tsv");
        for (text, says) in [
            (&b"a\tb\nc d\n"[..], "line 2: the line has no tab"),
            (b"a\tb\tc\n", "line 1: the line has 2 tabs"),
            (b"a\tb\n\tc\n", "line 2: the source is empty"),
            (b"a\tb\n\nc\t \n", "line 3: the target is empty"),
            (b"", "holds no pairs"),
            (b"\n\t\n", "holds no pairs"),
            (b"a\tb\nab\t\xff\n", "line 2, byte 4: not UTF-8"),
        ] {
            fs::write(&path, text).unwrap();
            let error = load(&path, &Sides::default()).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("p.tsv"), "{error}");
        }
        fs::write(&path, "a\nb\n").unwrap();
        let other = dir.path().join("q.txt");
        for (text, says) in [("a\n", "2 lines, and"), ("a\n\n", "line 2: the target is empty")] {
            fs::write(&other, text).unwrap();
            let targets = Some(other.display().to_string());
            let error = load(&path, &Sides { columns: None, targets }).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("q.txt"), "{error}");
        }
        fs::write(&path, "x,y\na,\nb,c\n").unwrap();
        let columns = |a: &str, b: &str| Sides {
            columns: Some([a.to_string(), b.to_string()]),
            targets: None,
        };
        let error = load(&path, &columns("x", "y")).unwrap_err().to_string();
        assert!(error.contains("line 2, column `y`: the text is empty"), "{error}");
        let error = load(&path, &columns("x", "z")).unwrap_err().to_string();
        assert!(error.contains("no column `z`"), "{error}");
    }
}

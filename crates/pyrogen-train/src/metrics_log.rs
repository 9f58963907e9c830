//! `metrics.csv`: one row a logged step.
//!
//! The file is a function of the data, the config and the seed: times are in `events.jsonl`, so
//! that an interrupted and resumed run ends with the bytes of an unbroken one.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use pyrogen_core::FolderError;
use pyrogen_core::folder::write_file;

use crate::error::TrainError;
use crate::learner::Values;

/// Which part of the data a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Data that is learnt from; the mean since the last such row.
    Train,
    /// Held-out data.
    Validation,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
        }
    }
}

/// One row, read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// `train` or `validation`.
    pub part: String,
    /// The step.
    pub step: u64,
    /// The epoch.
    pub epoch: u64,
    /// The values that the row has.
    pub values: Values,
}

/// The log of a run.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    columns: Vec<String>,
}

impl MetricsLog {
    /// Opens the log; rows after step `keep` and a row that was cut off are removed.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn open(path: &Path, keep: u64) -> Result<Self, TrainError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(FolderError::io(path, "read")(e).into()),
        };
        let mut lines = text.split_inclusive('\n').filter(|l| l.ends_with('\n'));
        let header = lines.next().unwrap_or_default().to_string();
        let step = |line: &str| line.split(',').nth(1).and_then(|s| s.parse::<u64>().ok());
        let rows: String = lines.filter(|l| step(l).is_some_and(|s| s <= keep)).collect();
        let columns = match header.trim_end() {
            _ if rows.is_empty() => Vec::new(),
            header => header.split(',').skip(3).map(String::from).collect(),
        };
        let kept = if rows.is_empty() { String::new() } else { header + &rows };
        write_file(path, kept.as_bytes())?;
        let file =
            OpenOptions::new().append(true).open(path).map_err(FolderError::io(path, "write"))?;
        Ok(Self { path: path.to_path_buf(), file, columns })
    }

    /// Writes one row. A name that no row had before becomes a new column, empty in the rows above.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn append(
        &mut self,
        part: Part,
        step: u64,
        epoch: u64,
        values: &Values,
    ) -> Result<(), TrainError> {
        let known = self.columns.len();
        for (name, _) in values {
            if !self.columns.contains(name) {
                self.columns.push(name.clone());
            }
        }
        if self.columns.len() > known {
            self.widen(self.columns.len() - known)?;
        }
        let mut line = String::new();
        line += &format!("{},{step},{epoch}", part.name());
        for column in &self.columns {
            line.push(',');
            if let Some((_, v)) = values.iter().find(|(n, _)| n == column) {
                line += &v.to_string();
            }
        }
        line.push('\n');
        let written = self.file.write_all(line.as_bytes());
        Ok(written.map_err(FolderError::io(&self.path, "write"))?)
    }

    /// Writes the file again with the present header and as many more empty cells in each row.
    fn widen(&mut self, more: usize) -> Result<(), TrainError> {
        let text = std::fs::read_to_string(&self.path);
        let text = text.map_err(FolderError::io(&self.path, "read"))?;
        let mut wide = format!("part,step,epoch,{}\n", self.columns.join(","));
        for row in text.lines().skip(1) {
            wide += &format!("{row}{}\n", ",".repeat(more));
        }
        write_file(&self.path, wide.as_bytes())?;
        let file = OpenOptions::new().append(true).open(&self.path);
        self.file = file.map_err(FolderError::io(&self.path, "write"))?;
        Ok(())
    }
}

/// Reads a log.
///
/// # Errors
/// When the file is missing or is not such a log.
pub fn read_rows(path: &Path) -> Result<Vec<Row>, TrainError> {
    let bad = |message: String| {
        TrainError::Folder(FolderError::Json { path: path.to_path_buf(), message })
    };
    let mut reader = csv::Reader::from_path(path).map_err(|e| bad(e.to_string()))?;
    let names = reader.headers().map_err(|e| bad(e.to_string()))?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| bad(e.to_string()))?;
        let number = |i: usize| record.get(i).and_then(|v| v.parse::<u64>().ok());
        let (Some(step), Some(epoch)) = (number(1), number(2)) else {
            return Err(bad("a row without step and epoch".into()));
        };
        let values = (3..record.len())
            .filter_map(|i| Some((names[i].to_string(), record[i].parse().ok()?)))
            .collect();
        rows.push(Row { part: record[0].to_string(), step, epoch, values });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_off_log_goes_on_as_if_nothing_had_happened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        let values = |v: f64| vec![("loss".to_string(), v), ("kl".to_string(), v / 3.0)];
        let write = |log: &mut MetricsLog, steps: std::ops::RangeInclusive<u64>| {
            for s in steps {
                log.append(Part::Train, s, 1, &values(s as f64)).unwrap();
            }
        };
        write(&mut MetricsLog::open(&path, 0).unwrap(), 1..=5);
        let whole = std::fs::read(&path).unwrap();

        // Killed in the middle of row 5, with a checkpoint at step 3.
        std::fs::write(&path, &whole[..whole.len() - 4]).unwrap();
        write(&mut MetricsLog::open(&path, 3).unwrap(), 4..=5);
        assert_eq!(std::fs::read(&path).unwrap(), whole);

        // Killed before the first checkpoint.
        write(&mut MetricsLog::open(&path, 0).unwrap(), 1..=5);
        assert_eq!(std::fs::read(&path).unwrap(), whole);

        let rows = read_rows(&path).unwrap();
        assert_eq!(rows.len(), 5);
        assert_eq!(rows[2].values, values(3.0));
    }

    #[test]
    fn a_value_that_comes_later_gets_a_column() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.csv");
        let value = |name: &str, v: f64| (name.to_string(), v);
        let write = |log: &mut MetricsLog, steps: std::ops::RangeInclusive<u64>| {
            for s in steps {
                let mut values = vec![value("a.loss", s as f64)];
                if s % 2 == 0 {
                    values.push(value("b.loss", -(s as f64)));
                }
                log.append(Part::Train, s, 1, &values).unwrap();
            }
        };
        write(&mut MetricsLog::open(&path, 0).unwrap(), 1..=4);
        let whole = std::fs::read_to_string(&path).unwrap();
        assert!(whole.starts_with("part,step,epoch,a.loss,b.loss\ntrain,1,1,1,\ntrain,2,1,2,-2\n"));
        let rows = read_rows(&path).unwrap();
        assert_eq!(rows[0].values, [value("a.loss", 1.0)]);
        // Cut off before and after the new column.
        for cut in [0, 1, 2, 3] {
            write(&mut MetricsLog::open(&path, cut).unwrap(), cut + 1..=4);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), whole, "cut at {cut}");
        }
    }
}

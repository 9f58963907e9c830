//! The cells of a file: rows of equal width under names, with line numbers for messages.

mod load;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::dialect::Dialect;
use super::gather::{Gathered, gather};
use super::header;
use super::options::CsvOptions;
use super::parquet::ParquetFile;
use super::pieces;
use super::rows::Rows;
use super::strings::{Lines, Strings};
use super::words::Words;
use crate::DataError;

/// The cells of a file. Those of a large file are in memory some columns at a time
/// ([`groups`](Self::groups), [`load`](Self::load)).
#[derive(Debug)]
pub(super) struct Text {
    pub path: PathBuf,
    pub names: Vec<String>,
    /// Whether the names come from the file.
    pub named: bool,
    /// What a user should know of how the file was read.
    pub notes: Vec<String>,
    pub delimiter: char,
    contents: Contents,
    words: Words,
    /// Rows without the header.
    rows: usize,
    lines: Lines,
    columns: Vec<Strings>,
    /// The columns that are in memory.
    loaded: Vec<bool>,
    /// Bytes that the cells of each column take in memory.
    sizes: Vec<usize>,
    /// Bytes that may be in memory.
    room: usize,
}

/// Where the cells are.
#[derive(Debug)]
enum Contents {
    Csv(CsvOptions, Dialect),
    Parquet(ParquetFile),
}

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Missing,
    /// May be infinite.
    Number(f64),
    Text(&'a str),
}

/// A first pass over a file.
struct Survey<'a> {
    path: &'a Path,
    options: &'a CsvOptions,
    words: Words,
    room: usize,
    /// The first rows, until the names are known.
    head: Option<Rows>,
    /// Cells of the first row.
    width: usize,
    names: Option<Vec<String>>,
    rows: usize,
    lines: Lines,
    columns: Vec<Gathered>,
    /// The first columns, whose cells are kept.
    kept: usize,
}

impl Survey<'_> {
    fn add(&mut self, blocks: &[Rows]) -> Result<(), DataError> {
        let Some(mut head) = self.head.take() else { return self.take(blocks, 0) };
        blocks.iter().for_each(|rows| head.append(rows));
        match head.len() < header::SAMPLE {
            true => self.head = Some(head),
            false => self.begin(head)?,
        }
        Ok(())
    }

    /// Finds the names in the first rows.
    fn begin(&mut self, head: Rows) -> Result<(), DataError> {
        if head.len() == 0 {
            return Ok(());
        }
        self.names = header::names(&head, self.options.header, &self.words);
        self.width = head.width(0);
        self.columns.resize_with(self.width, || Gathered::kept(Strings::default()));
        self.kept = self.width;
        self.take(&[head], usize::from(self.names.is_some()))
    }

    fn take(&mut self, blocks: &[Rows], skip: usize) -> Result<(), DataError> {
        let mut left = skip;
        for rows in blocks {
            for i in left.min(rows.len())..rows.len() {
                let (line, got) = (rows.line(i), rows.width(i));
                if got != self.width {
                    let path = self.path.to_path_buf();
                    return Err(DataError::Ragged { path, line, expected: self.width, got });
                }
                self.lines.push(line);
                self.rows += 1;
            }
            left -= left.min(rows.len());
        }
        let places: Vec<usize> = (0..self.width).collect();
        gather(&mut self.columns, &places, blocks, skip);
        self.make_room();
        Ok(())
    }

    /// Forgets the last columns where there is no room for all of them.
    fn make_room(&mut self) {
        let full = self.columns[..self.kept].iter().position(|column| column.full);
        let mut kept = full.unwrap_or(self.kept);
        let mut taken: usize = self.columns[..kept].iter().map(|column| column.size).sum();
        while kept > 0 && taken > self.room {
            kept -= 1;
            taken -= self.columns[kept].size;
        }
        for column in &mut self.columns[kept..self.kept] {
            (column.keep, column.strings) = (false, Strings::default());
        }
        self.kept = kept;
    }
}

impl Text {
    /// Reads a file: UTF-8, lines of equal width. All cells are in memory.
    pub fn read(path: &Path, options: &CsvOptions) -> Result<Self, DataError> {
        let mut text = Self::open(path, options, usize::MAX)?;
        let all: Vec<usize> = (0..text.names.len()).collect();
        text.load(&all)?;
        Ok(text)
    }

    /// Reads a file whose cells are in memory only where they take no more than `room` bytes.
    pub fn open(path: &Path, options: &CsvOptions, room: usize) -> Result<Self, DataError> {
        let words = Words { given: options.na.clone() };
        let mut survey = Survey {
            path,
            options,
            words,
            room,
            head: Some(Rows::default()),
            width: 0,
            names: None,
            rows: 0,
            lines: Lines::default(),
            columns: Vec::new(),
            kept: 0,
        };
        let pass = pieces::each(path, options, None, &mut |blocks| survey.add(blocks))?;
        if let Some(head) = survey.head.take() {
            survey.begin(head)?;
        }
        let (dialect, mut notes) = (pass.dialect, Vec::new());
        if options.delimiter.is_none() && dialect.delimiter != ',' {
            notes.push(format!("cells are separated by {}", dialect.delimiter_name()));
        }
        if pass.comments > 0 {
            let mark = dialect.comment.unwrap_or('#');
            notes
                .push(format!("{} lines that begin with `{mark}` were passed over", pass.comments));
        }
        let Survey { width, names, rows, lines, columns, kept, words, .. } = survey;
        let path = path.to_path_buf();
        if rows == 0 {
            return Err(DataError::NoExamples { path, hint: "the table has no rows".to_string() });
        }
        let text = Self {
            path,
            named: names.is_some(),
            names: names.unwrap_or_else(|| (0..width).map(header::numbered).collect()),
            notes,
            delimiter: dialect.delimiter,
            contents: Contents::Csv(options.clone(), dialect),
            words,
            rows,
            lines,
            loaded: (0..width).map(|j| j < kept).collect(),
            sizes: columns.iter().map(|column| column.size).collect(),
            columns: columns.into_iter().map(|column| column.strings.fitted()).collect(),
            room,
        };
        text.check_names()?;
        Ok(text)
    }

    /// Finds the columns of a Parquet file, none of which is in memory.
    pub fn open_parquet(path: &Path, options: &CsvOptions, room: usize) -> Result<Self, DataError> {
        let file = ParquetFile::open(path)?;
        let mut notes = Vec::new();
        for name in file.nested() {
            notes.push(format!("column `{name}` is left out: it holds lists or records"));
        }
        let (names, rows) = (file.names(), file.rows());
        if names.is_empty() || rows == 0 {
            let hint = "the table has no rows or no columns".to_string();
            return Err(DataError::NoExamples { path: path.to_path_buf(), hint });
        }
        let columns = names.len();
        let text = Self {
            path: path.to_path_buf(),
            names,
            named: true,
            notes,
            delimiter: ',',
            words: Words { given: options.na.clone() },
            rows,
            lines: Lines::counted(rows),
            columns: (0..columns).map(|_| Strings::default()).collect(),
            loaded: vec![false; columns],
            sizes: vec![file.size(); columns],
            room,
            contents: Contents::Parquet(file),
        };
        text.check_names()?;
        Ok(text)
    }

    /// Whether a column is one of texts by its type, even where they look like numbers.
    pub fn is_text(&self, column: usize) -> bool {
        matches!(&self.contents, Contents::Parquet(file) if file.is_text(column))
    }

    /// Whether rows have lines.
    pub fn has_lines(&self) -> bool {
        matches!(self.contents, Contents::Csv(..))
    }

    /// The columns in groups whose cells are in memory together.
    pub fn groups(&self) -> Vec<Vec<usize>> {
        if self.loaded.iter().all(|&loaded| loaded) {
            return vec![(0..self.names.len()).collect()];
        }
        let (mut groups, mut taken): (Vec<Vec<usize>>, usize) = (Vec::new(), 0);
        for (j, size) in self.sizes.iter().enumerate() {
            taken += size;
            match groups.last_mut() {
                Some(group) if taken <= self.room => group.push(j),
                _ => {
                    groups.push(vec![j]);
                    taken = *size;
                }
            }
        }
        groups
    }

    fn check_names(&self) -> Result<(), DataError> {
        let mut seen = HashSet::new();
        match self.names.iter().find(|name| !seen.insert(*name)) {
            None => Ok(()),
            Some(twice) => Err(DataError::Column {
                path: self.path.clone(),
                column: one_line(twice),
                message: "two columns have this name: rename one, or give header=no if the first \
                          line is data"
                    .to_string(),
            }),
        }
    }

    /// Number of rows, without the header.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// The place of a column.
    pub fn column(&self, name: &str) -> Result<usize, DataError> {
        self.names.iter().position(|n| n == name).ok_or_else(|| DataError::UnknownColumn {
            path: self.path.clone(),
            column: one_line(name),
            known: one_line(&self.names.join(", ")),
        })
    }

    /// A cell as it is written, without the blanks around it, of a column that is in memory.
    pub fn raw(&self, row: usize, column: usize) -> &str {
        debug_assert!(self.loaded[column], "Text: column {column} is not in memory");
        self.columns[column].get(row)
    }

    pub fn is_missing(&self, row: usize, column: usize) -> bool {
        self.words.is_missing(self.raw(row, column))
    }

    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let cell = self.raw(row, column);
        if self.words.is_missing(cell) {
            return Cell::Missing;
        }
        cell.parse().map_or(Cell::Text(cell), Cell::Number)
    }

    /// The line of the file where a row begins, counted from 1.
    pub fn line(&self, row: usize) -> u64 {
        self.lines.get(row)
    }

    /// An error about one cell.
    pub fn cell_error(&self, row: usize, column: usize, message: String) -> DataError {
        DataError::Cell {
            path: self.path.clone(),
            line: self.line(row),
            column: one_line(&self.names[column]),
            message: one_line(&message),
        }
    }

    /// An error about one column.
    pub fn column_error(&self, column: usize, message: impl Into<String>) -> DataError {
        DataError::Column {
            path: self.path.clone(),
            column: one_line(&self.names[column]),
            message: one_line(&message.into()),
        }
    }
}

/// Text for a message, which is one line that can be read.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    let mut out: String = text.chars().take(LONGEST).collect();
    if out.len() < text.len() {
        out.push_str("...");
    }
    out.replace(['\n', '\r'], " ")
}

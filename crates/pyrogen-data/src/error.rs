//! What can go wrong with data.

use std::path::{Path, PathBuf};

use pyrogen_core::{ConfigError, FolderError};

/// Data that cannot be read, prepared or written.
///
/// Every message is one line that names the file (with line and column where there are any) and
/// says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: "read", "write", ...
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A source that this library does not know.
    #[error("unknown data source `{got}`; known are: {known}")]
    UnknownSource {
        /// What was asked for.
        got: String,
        /// The forms that exist.
        known: String,
    },
    /// An option of a source that does not exist or has a value out of range.
    #[error("data source: option `{option}` must be {expected}")]
    SourceOption {
        /// The option as it was written.
        option: String,
        /// What is allowed.
        expected: String,
    },
    /// A file or folder without a single example.
    #[error("{}: no examples: {hint}", path.display())]
    NoExamples {
        /// The file or folder.
        path: PathBuf,
        /// What was looked for.
        hint: String,
    },
    /// A file that is not of the format its name or place says.
    #[error("{}: not a readable {format} file: {message}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format: "idx", "npy", "gzip", "CSV".
        format: &'static str,
        /// What is wrong.
        message: String,
    },
    /// A header that announces another size than the file has.
    #[error(
        "{}: the header announces {announced} bytes of values and the file holds {}: the file \
         is cut off or damaged, fetch it again",
        path.display(),
        if *more { format!("more than {held}") } else { held.to_string() }
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes that the header promises.
        announced: u128,
        /// Bytes that follow the header, as far as they were read.
        held: u64,
        /// Whether reading stopped before the end.
        more: bool,
    },
    /// An array of a shape that cannot be used here.
    #[error("{}: expected {expected}, the file holds an array of shape {got:?}", path.display())]
    ArrayShape {
        /// The file.
        path: PathBuf,
        /// What is needed.
        expected: &'static str,
        /// The shape in the file.
        got: Vec<usize>,
    },
    /// Two files that belong together and do not fit.
    #[error("{} holds {a_len} examples and {} holds {b_len} labels: they belong to different data sets", a.display(), b.display())]
    Count {
        /// The file of examples.
        a: PathBuf,
        /// How many it holds.
        a_len: usize,
        /// The file of labels.
        b: PathBuf,
        /// How many it holds.
        b_len: usize,
    },
    /// A picture that cannot be decoded.
    #[error("{}: cannot decode this picture: {message}; repair or remove it", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        message: String,
    },
    /// A picture of another size than the first one.
    #[error(
        "{}: is {got_w}x{got_h} pixels, {} is {first_w}x{first_h}: give a size, such as \
         size={first_w}x{first_h}",
        path.display(),
        first.display()
    )]
    PictureSize {
        /// The picture that differs.
        path: PathBuf,
        /// Its width.
        got_w: u32,
        /// Its height.
        got_h: u32,
        /// The picture that set the size.
        first: PathBuf,
        /// Its width.
        first_w: u32,
        /// Its height.
        first_h: u32,
    },
    /// A line with another number of cells than the first one.
    #[error("{}: line {line} has {got} cells, the first line has {expected}", path.display())]
    Ragged {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// Cells of the first line.
        expected: usize,
        /// Cells of this line.
        got: usize,
    },
    /// A cell that cannot be used.
    #[error("{}: line {line}, column `{column}`: {message}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// A line that cannot be used.
    #[error("{}: line {line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong and what to do.
        message: String,
    },
    /// Text that is not UTF-8.
    #[error(
        "{}: line {line}{}: not UTF-8 text: save the file as UTF-8",
        path.display(),
        byte.map_or(String::new(), |byte| format!(", byte {byte}"))
    )]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The byte of the line, counted from 1, where it is known.
        byte: Option<u64>,
    },
    /// A column that the table does not have.
    #[error("{}: no column `{column}`; the columns are: {known}", path.display())]
    UnknownColumn {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        column: String,
        /// What there is.
        known: String,
    },
    /// A column that cannot be used.
    #[error("{}: column `{column}`: {message}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column's name.
        column: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// A value of a file that is not a finite number.
    #[error("{}: value {index} is {value}: only finite numbers can be learnt from", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Place in the flat array, counted from 0.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Parts that do not make a data set.
    #[error("data set: `{part}` must be {expected}, got {got}")]
    Part {
        /// Which part.
        part: &'static str,
        /// What is allowed.
        expected: String,
        /// What was found.
        got: String,
    },
    /// A preparation that does not fit the data.
    #[error("preparation step `{step}`: {expected}, got {got}")]
    Preparation {
        /// The step.
        step: &'static str,
        /// What is allowed.
        expected: String,
        /// What was found.
        got: String,
    },
    /// A split that would leave a part empty.
    #[error("cannot hold out {asked} of {rows} examples: {expected}")]
    Split {
        /// What was asked for.
        asked: String,
        /// How many examples there are.
        rows: usize,
        /// What is allowed.
        expected: &'static str,
    },
    /// Values that cannot be drawn or written.
    #[error("cannot write: `{what}` must be {expected}, got {got}")]
    Output {
        /// Which argument.
        what: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What was found.
        got: String,
    },
    /// A model card whose preparation cannot be used.
    #[error("card.json: the model's data preparation cannot be used: {0}")]
    Card(ConfigError),
    /// A file could not be written whole.
    #[error(transparent)]
    Write(#[from] FolderError),
}

impl DataError {
    /// Wraps what the operating system said about a path.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, action, source }
    }

    pub(crate) fn format(path: &Path, format: &'static str, message: impl ToString) -> Self {
        Self::Format {
            path: path.to_path_buf(),
            format,
            message: message.to_string().replace(['\n', '\r'], " "),
        }
    }

    pub(crate) fn part(
        part: &'static str,
        expected: impl Into<String>,
        got: impl ToString,
    ) -> Self {
        Self::Part { part, expected: expected.into(), got: got.to_string() }
    }

    pub(crate) fn option(option: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::SourceOption { option: option.into(), expected: expected.into() }
    }
}

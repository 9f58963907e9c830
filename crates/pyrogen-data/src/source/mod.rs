//! Where data comes from, as text: `digits`, `mnist:DIR`, `csv:FILE,label=COLUMN`, ...

mod arrays;
mod csv;
mod images;
mod lists;
mod reader;
mod sequences;
mod text;
mod text_files;
mod text_pairs;
mod toy;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

pub use reader::{Loaded, Origins, Reader};
pub use text::SourceText;

use crate::{DataError, Dataset};

/// Every scheme, in the order of help texts.
static READERS: [&dyn Reader; 18] = [
    &arrays::Digits,
    &arrays::Mnist,
    &arrays::Cifar,
    &arrays::Idx,
    &images::Images,
    &csv::Csv,
    &csv::Parquet,
    &arrays::Npy,
    &arrays::Npz,
    &text_files::TextFiles,
    &text_pairs::TextPairs,
    &sequences::SequenceTable,
    &lists::Sounds,
    &lists::WordCounts,
    &lists::RatingTable,
    &lists::EdgeList,
    &lists::Music,
    &toy::Toys,
];

/// A data source as the command line names it: `SCHEME:PLACE,OPTION=VALUE`.
///
/// | text | data |
/// |---|---|
/// | `digits` | the embedded digits |
/// | `mnist:DIR` | the four idx files, `.gz` or not, with the test part |
/// | `cifar:DIR` | the binary files of CIFAR-10 or CIFAR-100, with the test part |
/// | `idx:FILE` | one idx file, gzip or not |
/// | `images:DIR` | every picture below a folder, sorted by path, or one picture file; one channel where no pixel has a colour, else three; classes from the first folder level if every picture lies in one |
/// | `csv:FILE` | a table, see [`read_table`](crate::read_table) |
/// | `parquet:FILE` | a table, see [`read_parquet`](crate::read_parquet) |
/// | `npy:FILE`, `npz:FILE` | an array whose first axis counts the examples |
/// | `text:FILE`, `text:DIR` | documents of text, one a file; `lines`: one a line; `documents`: between blank lines |
/// | `pairs:FILE` | pairs of texts: a source, a tab and a target a line; `source=COLUMN,target=COLUMN` of a CSV table; or `targets=FILE`, line by line |
/// | `sequences:FILE` | a CSV table of one step a row, of numbers or symbols, with `id=COLUMN` and `time=COLUMN`; blank cells are missing |
/// | `sound:DIR` | recordings as `.wav` and `.flac` files |
/// | `documents:FILE`, `documents:DIR` | word counts: of text files, a column of a CSV file, or LDA-C |
/// | `ratings:FILE`, `graph:FILE` | CSV tables of two names and a number |
/// | `music:FILE`, `music:DIR` | pieces as steps of pitches, from JSON or MIDI files |
/// | `toy:NAME` | points in the plane of known density, see [`Toy`](crate::Toy): `moons`, `eight-gaussians`, `gaussian-grid`, `checkerboard`, `rings`; 10,000 of them, or `examples=NUMBER`; always the same |
///
/// [`readers`](Self::readers) lists each with its options.
///
/// A comma inside a path or a column name is written twice. `Display` writes the text that
/// parses to the same source.
///
/// ```
/// use pyrogen_data::Source;
///
/// let source: Source = "images:photos,size=28x28,grey".parse()?;
/// assert_eq!(source.to_string(), "images:photos,size=28x28,grey");
/// let unknown = "webcam:photos".parse::<Source>().unwrap_err();
/// assert!(unknown.to_string().contains("mnist:DIR"));
///
/// let loaded = "digits".parse::<Source>()?.read()?;
/// assert_eq!(loaded.data.len(), 1797);
/// # Ok::<(), pyrogen_data::DataError>(())
/// ```
#[derive(Clone)]
pub struct Source {
    reader: &'static dyn Reader,
    text: SourceText,
}

impl Source {
    /// The source of a scheme, a place and options as they are written in a source's text, but
    /// with single commas.
    ///
    /// ```
    /// use pyrogen_data::Source;
    ///
    /// let source = Source::new("csv", "people, 2024.csv", &["label=income"])?;
    /// assert_eq!(source.to_string(), "csv:people,, 2024.csv,label=income");
    /// # Ok::<(), pyrogen_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// An unknown scheme or option, or a value that the option cannot have.
    pub fn new(scheme: &str, place: impl AsRef<Path>, options: &[&str]) -> Result<Self, DataError> {
        let mut text = SourceText::new(scheme, place.as_ref());
        options.iter().for_each(|option| text.push(option));
        Self::of(text)
    }

    /// The embedded digits.
    pub fn digits() -> Self {
        Self { reader: &arrays::Digits, text: SourceText::new("digits", Path::new("")) }
    }

    fn of(mut text: SourceText) -> Result<Self, DataError> {
        let known = |r: &&&dyn Reader| {
            r.scheme() == text.scheme()
                && r.place().is_empty() == text.place().as_os_str().is_empty()
        };
        let Some(&reader) = READERS.iter().find(known) else {
            return Err(DataError::UnknownSource { got: text.to_string(), known: Self::known() });
        };
        text.join_lists(reader.options());
        text.check_options(reader.options())?;
        reader.check(&text)?;
        Ok(Self { reader, text })
    }

    /// Every scheme.
    pub fn readers() -> &'static [&'static dyn Reader] {
        &READERS
    }

    /// The forms of sources that are known, for help texts and messages.
    pub fn known() -> String {
        READERS.iter().map(|reader| reader.usage()).collect::<Vec<_>>().join(", ")
    }

    /// The scheme, the place and the options.
    pub fn text(&self) -> &SourceText {
        &self.text
    }

    /// Reads the data.
    ///
    /// # Errors
    /// Anything that is wrong with the files; the message names the file and says what to do.
    pub fn read(&self) -> Result<Loaded, DataError> {
        self.reader.read(&self.text)
    }

    /// Reads data that is rows of numbers: pictures, a table or points.
    ///
    /// # Errors
    /// As [`read`](Self::read), and data of another modality.
    pub fn load(&self) -> Result<Dataset, DataError> {
        let loaded = self.read()?;
        let rows = |data: crate::Data| {
            let modality = data.modality();
            data.into_dataset()
                .ok_or_else(|| DataError::part("data", "pictures, a table or points", modality))
        };
        let data = rows(loaded.data)?;
        match loaded.test {
            Some(test) => data.with_test_part(rows(test)?),
            None => Ok(data),
        }
    }
}

impl FromStr for Source {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        Self::of(SourceText::parse(text)).map_err(|error| match error {
            DataError::UnknownSource { known, .. } => {
                DataError::UnknownSource { got: text.to_string(), known }
            }
            error => error,
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.text.to_string()).finish()
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Source {}

impl std::hash::Hash for Source {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

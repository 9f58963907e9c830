//! Where data comes from, as text: `digits`, `mnist:DIR`, `csv:FILE,label=COLUMN`, ...

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::read::pictures::MAX_SIDE;
use crate::read::{idx, mnist, npy, pictures};
use crate::{
    CsvOptions, DataError, Dataset, Header, Missing, PictureOptions, Toy, digits, read_csv,
};

const KNOWN: &str = "digits, mnist:DIR, idx:FILE, \
    images:DIR[,size=WIDTHxHEIGHT][,crop][,grey], \
    csv:FILE[,label=COLUMN][,categorical=COLUMN][,missing=error|drop|category][,header=yes|no], \
    npy:FILE, toy:NAME[,examples=NUMBER]";

/// Points of a toy whose number is not given.
const TOY_EXAMPLES: usize = 10_000;
/// More points than anybody needs of two numbers each.
const MOST_TOY_EXAMPLES: usize = 10_000_000;

/// A data source as the command line names it.
///
/// | text | data |
/// |---|---|
/// | `digits` | the embedded digits |
/// | `mnist:DIR` | the four idx files, `.gz` or not, with the test part |
/// | `idx:FILE` | one idx file, gzip or not |
/// | `images:DIR` | every `.png`, `.jpg`, `.jpeg` and `.bmp` below a folder, sorted by path, or one such file; options `size=WIDTHxHEIGHT`, `crop`, `grey`; one channel where no pixel has a colour, else three; classes from the first folder level if every picture lies in one; transparency is ignored |
/// | `csv:FILE` | a table; options `label=COLUMN`, `categorical=COLUMN` (more than once), `missing=error\|drop\|category`, `header=yes\|no` |
/// | `npy:FILE` | an array whose first axis counts the examples |
/// | `toy:NAME` | points in the plane of known density, see [`Toy`]: `moons`, `eight-gaussians`, `gaussian-grid`, `checkerboard`; 10,000 of them, or `examples=NUMBER`; always the same |
///
/// A comma inside a path or a column name is written twice. `Display` writes the text that
/// parses to the same source.
///
/// ```
/// use pyrogen_data::Source;
///
/// let source: Source = "images:photos,size=28x28,grey".parse()?;
/// assert_eq!(source.to_string(), "images:photos,size=28x28,grey");
/// let unknown = "cifar:photos".parse::<Source>().unwrap_err();
/// assert!(unknown.to_string().contains("mnist:DIR"));
/// # Ok::<(), pyrogen_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The embedded digits.
    Digits,
    /// The folder of the four idx files of MNIST or its kin.
    Mnist(PathBuf),
    /// One idx file.
    Idx(PathBuf),
    /// A folder of pictures.
    Pictures(PathBuf, PictureOptions),
    /// A CSV table.
    Csv(PathBuf, CsvOptions),
    /// An npy array.
    Npy(PathBuf),
    /// Points of a toy, and how many.
    Toy(Toy, usize),
}

impl Source {
    /// The forms of sources that are known, for help texts.
    pub const KNOWN: &'static str = KNOWN;

    /// Reads the data.
    ///
    /// # Errors
    /// Anything that is wrong with the files; the message names the file and says what to do.
    pub fn load(&self) -> Result<Dataset, DataError> {
        match self {
            Self::Digits => Ok(digits()),
            Self::Mnist(dir) => mnist::load(dir),
            Self::Idx(file) => idx::load(file),
            Self::Pictures(dir, options) => pictures::load(dir, options),
            Self::Csv(file, options) => read_csv(file, options),
            Self::Npy(file) => npy::load(file),
            Self::Toy(toy, examples) => Ok(toy.load(*examples)),
        }
    }
}

impl FromStr for Source {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        if text == "digits" {
            return Ok(Self::Digits);
        }
        let unknown = || DataError::UnknownSource { got: text.to_string(), known: KNOWN };
        let (kind, rest) = text.split_once(':').ok_or_else(unknown)?;
        let mut parts = split(rest).into_iter();
        let path = PathBuf::from(parts.next().unwrap_or_default());
        let options: Vec<String> = parts.collect();
        if path.as_os_str().is_empty() {
            return Err(unknown());
        }
        let source = match kind {
            "images" => return Ok(Self::Pictures(path, picture_options(&options)?)),
            "csv" => return Ok(Self::Csv(path, csv_options(&options)?)),
            "toy" => return toy_source(&path.to_string_lossy(), &options),
            "mnist" => Self::Mnist(path),
            "idx" => Self::Idx(path),
            "npy" => Self::Npy(path),
            _ => return Err(unknown()),
        };
        match options.first() {
            None => Ok(source),
            Some(option) => Err(DataError::option(
                option,
                format!("left out: {kind}: takes no options (write a comma of a path twice)"),
            )),
        }
    }
}

fn picture_options(options: &[String]) -> Result<PictureOptions, DataError> {
    let mut out = PictureOptions::default();
    for option in options {
        match option.split_once('=') {
            None if option == "crop" => out.crop = true,
            None if option == "grey" => out.grey = true,
            Some(("size", size)) => out.size = Some(parse_size(option, size)?),
            _ => return Err(DataError::option(option, "size=WIDTHxHEIGHT, crop or grey")),
        }
    }
    if out.crop && out.size.is_none() {
        return Err(DataError::option("crop", "given together with size=WIDTHxHEIGHT"));
    }
    Ok(out)
}

fn parse_size(option: &str, size: &str) -> Result<(u32, u32), DataError> {
    let side = |s: &str| s.parse().ok().filter(|n| (1..=MAX_SIDE).contains(n));
    size.split_once('x').and_then(|(w, h)| Some((side(w)?, side(h)?))).ok_or_else(|| {
        let expected = format!("size=WIDTHxHEIGHT, each from 1 to {MAX_SIDE}");
        DataError::option(option, expected)
    })
}

fn csv_options(options: &[String]) -> Result<CsvOptions, DataError> {
    let mut out = CsvOptions::default();
    for option in options {
        match option.split_once('=') {
            Some(("label", column)) if !column.is_empty() => out.label = Some(column.to_string()),
            Some(("categorical", column)) if !column.is_empty() => {
                out.categorical.push(column.to_string());
            }
            Some(("missing", "error")) => out.missing = Missing::Error,
            Some(("missing", "drop")) => out.missing = Missing::Drop,
            Some(("missing", "category")) => out.missing = Missing::Category,
            Some(("header", "yes")) => out.header = Header::Yes,
            Some(("header", "no")) => out.header = Header::No,
            _ => {
                return Err(DataError::option(
                    option,
                    "label=COLUMN, categorical=COLUMN, missing=error|drop|category or \
                     header=yes|no (write a comma of a path or name twice)",
                ));
            }
        }
    }
    Ok(out)
}

fn toy_source(name: &str, options: &[String]) -> Result<Source, DataError> {
    let mut examples = TOY_EXAMPLES;
    for option in options {
        let number = option.strip_prefix("examples=").and_then(|n| n.parse().ok());
        examples = number.filter(|n| (1..=MOST_TOY_EXAMPLES).contains(n)).ok_or_else(|| {
            DataError::option(option, format!("examples=NUMBER, from 1 to {MOST_TOY_EXAMPLES}"))
        })?;
    }
    Ok(Source::Toy(name.parse()?, examples))
}

/// Splits at single commas; a double one stands for itself.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != ',' {
            parts.last_mut().expect("never empty").push(c);
        } else if chars.next_if_eq(&',').is_some() {
            parts.last_mut().expect("never empty").push(',');
        } else {
            parts.push(String::new());
        }
    }
    parts
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = |path: &PathBuf| path.to_string_lossy().replace(',', ",,");
        match self {
            Self::Digits => write!(f, "digits"),
            Self::Mnist(dir) => write!(f, "mnist:{}", path(dir)),
            Self::Idx(file) => write!(f, "idx:{}", path(file)),
            Self::Npy(file) => write!(f, "npy:{}", path(file)),
            Self::Toy(toy, TOY_EXAMPLES) => write!(f, "toy:{toy}"),
            Self::Toy(toy, examples) => write!(f, "toy:{toy},examples={examples}"),
            Self::Pictures(dir, options) => {
                write!(f, "images:{}", path(dir))?;
                if let Some((w, h)) = options.size {
                    write!(f, ",size={w}x{h}")?;
                }
                f.write_str(if options.crop { ",crop" } else { "" })?;
                f.write_str(if options.grey { ",grey" } else { "" })
            }
            Self::Csv(file, options) => {
                write!(f, "csv:{}", path(file))?;
                if let Some(label) = &options.label {
                    write!(f, ",label={}", label.replace(',', ",,"))?;
                }
                for column in &options.categorical {
                    write!(f, ",categorical={}", column.replace(',', ",,"))?;
                }
                f.write_str(match options.missing {
                    Missing::Error => "",
                    Missing::Drop => ",missing=drop",
                    Missing::Category => ",missing=category",
                })?;
                f.write_str(match options.header {
                    Header::Detect => "",
                    Header::Yes => ",header=yes",
                    Header::No => ",header=no",
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for text in [
            "digits",
            "mnist:a/b",
            "idx:x,,y.gz",
            "npy:C:/x.npy",
            "images:d",
            "images:d,size=28x14,crop,grey",
            "csv:t.csv",
            "csv:t,,1.csv,label=a,,b,categorical=c,categorical=d,missing=drop,header=no",
            "csv:t.csv,missing=category,header=yes",
            "toy:moons",
            "toy:gaussian-grid,examples=50",
        ] {
            let source: Source = text.parse().unwrap();
            assert_eq!(source.to_string(), text);
            assert_eq!(source.to_string().parse::<Source>().unwrap(), source);
        }
        let source: Source = "idx:x,,y.gz".parse().unwrap();
        assert_eq!(source, Source::Idx(PathBuf::from("x,y.gz")));
    }

    #[test]
    fn unknown_sources_and_options_are_errors_that_list_the_known() {
        for text in ["", "digit", "cifar:x", "mnist:", "csv:,label=a"] {
            let error = text.parse::<Source>().unwrap_err().to_string();
            assert!(error.contains("images:DIR") && error.contains("digits"), "{error}");
        }
        for (text, says) in [
            ("images:d,size=28", "size=WIDTHxHEIGHT"),
            ("images:d,size=0x3", "from 1 to"),
            ("images:d,size=99999x3", "from 1 to"),
            ("images:d,crop", "together with size"),
            ("images:d,colour", "size=WIDTHxHEIGHT, crop or grey"),
            ("csv:f,missing=zero", "missing=error|drop|category"),
            ("csv:f,label=", "label=COLUMN"),
            ("npy:f,grey", "takes no options"),
            ("toy:suns", "one of moons, eight-gaussians"),
            ("toy:moons,examples=0", "from 1 to"),
            ("toy:moons,grey", "examples=NUMBER"),
        ] {
            let error = text.parse::<Source>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn each_source_loads() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        crate::write_npy(&path("a.npy"), &[1.0, 2.0], &[2, 1]).unwrap();
        std::fs::write(path("a.idx"), [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9]).unwrap();
        std::fs::write(path("a.csv"), "x,y\n1,a\n2,b\n").unwrap();
        crate::grid_png_file(&path("p/a.png"), &[0.5; 4], 1, &[1, 2, 2], 1, 1).unwrap();
        for (kind, file, n) in
            [("npy", "a.npy", 2), ("idx", "a.idx", 1), ("csv", "a.csv", 2), ("images", "p", 1)]
        {
            let source: Source = format!("{kind}:{}", path(file).display()).parse().unwrap();
            assert_eq!(source.load().unwrap().len(), n, "{kind}");
        }
        assert_eq!(Source::Digits.load().unwrap().len(), 1797);
        let toy: Source = "toy:checkerboard,examples=30".parse().unwrap();
        assert_eq!(toy.load().unwrap().len(), 30);
        let source: Source = format!("mnist:{}", path("").display()).parse().unwrap();
        assert!(source.load().is_err());
    }
}

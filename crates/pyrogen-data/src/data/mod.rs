//! [`Data`]: items of any modality in raw units.

mod cells;
mod documents;
mod graph;
mod hash;
pub(crate) mod modality;
mod numbers;
mod pairs;
mod partial;
mod pictures;
mod ratings;
mod rows;
mod sequences;
mod sound;
mod table;
mod text;

use std::borrow::Cow;
use std::path::Path;

use pyrogen_core::{Noise, Seed};
use serde_json::Value;

pub use cells::Cells;
pub use documents::Documents;
pub use graph::{Edge, Graph};
pub(crate) use hash::Hasher;
pub use modality::Modality;
pub use pairs::Pairs;
pub(crate) use pictures::PictureHash;
pub use pictures::{Pictures, Pixels};
pub use ratings::{Rating, Ratings};
pub use rows::Points;
pub use sequences::Sequences;
pub use sound::Sound;
pub(crate) use table::Aside;
pub use table::Table;
pub use text::Text;

use crate::raw_rows::RawRows;
use crate::{DataError, Dataset};

/// What every modality's type can do.
pub trait Items: Clone + Send + Sync {
    /// Number of items.
    fn len(&self) -> usize;

    /// Whether there are no items.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items `rows`, in that order.
    ///
    /// # Panics
    /// If a row is out of range.
    fn select(&self, rows: &[usize]) -> Self;

    /// The items of several parts, one after the other.
    ///
    /// # Errors
    /// Parts of different kinds: other columns, another size of pictures.
    fn concat(parts: Vec<Self>) -> Result<Self, DataError>;

    /// SHA-256 over everything that a model can see, in hexadecimal.
    fn sha256(&self) -> String;

    /// What the data holds, in numbers, as JSON.
    fn describe(&self) -> Value;

    /// Writes the items in the form that the path's ending names.
    ///
    /// # Errors
    /// An ending that the modality cannot be written in, or when the system refuses.
    fn write(&self, path: &Path) -> Result<(), DataError>;
}

/// Items of any modality, in raw units.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// Pictures.
    Pictures(Pictures),
    /// A table.
    Table(Table),
    /// Plain arrays.
    Points(Points),
    /// Text.
    Text(Text),
    /// Pairs of texts.
    Pairs(Pairs),
    /// Sequences.
    Sequences(Sequences),
    /// Recordings.
    Sound(Sound),
    /// Word counts of documents.
    Documents(Documents),
    /// Ratings of things by people.
    Ratings(Ratings),
    /// Nodes and edges.
    Graph(Graph),
}

macro_rules! each {
    ($data:expr, $items:ident => $body:expr) => {
        match $data {
            Data::Pictures($items) => $body,
            Data::Table($items) => $body,
            Data::Points($items) => $body,
            Data::Text($items) => $body,
            Data::Pairs($items) => $body,
            Data::Sequences($items) => $body,
            Data::Sound($items) => $body,
            Data::Documents($items) => $body,
            Data::Ratings($items) => $body,
            Data::Graph($items) => $body,
        }
    };
}

impl Data {
    /// What the items are.
    pub fn modality(&self) -> Modality {
        match self {
            Self::Pictures(_) => Modality::Pictures,
            Self::Table(_) => Modality::Table,
            Self::Points(_) => Modality::Points,
            Self::Text(_) => Modality::Text,
            Self::Pairs(_) => Modality::Pairs,
            Self::Sequences(_) => Modality::Sequences,
            Self::Sound(_) => Modality::Sound,
            Self::Documents(_) => Modality::Documents,
            Self::Ratings(_) => Modality::Ratings,
            Self::Graph(_) => Modality::Graph,
        }
    }

    /// Rows of numbers, as the modality that their layout says.
    pub fn from_dataset(rows: Dataset) -> Self {
        match rows.layout().modality() {
            Modality::Table => Self::Table(Table::from_dataset(rows)),
            Modality::Pictures => Self::Pictures(Pictures::from_dataset(rows)),
            _ => Self::Points(Points::from_dataset(rows)),
        }
    }

    /// The items as rows of numbers in raw units, for pictures, tables and points.
    pub fn dataset(&self) -> Option<Cow<'_, Dataset>> {
        match self {
            Self::Pictures(items) => Some(items.dataset()),
            Self::Table(items) => Some(items.dataset()),
            Self::Points(items) => Some(items.dataset()),
            _ => None,
        }
    }

    /// As [`dataset`](Self::dataset), without a copy.
    pub fn into_dataset(self) -> Option<Dataset> {
        match self {
            Self::Pictures(items) => Some(items.into_dataset()),
            Self::Table(items) => Some(items.into_dataset()),
            Self::Points(items) => Some(items.into_dataset()),
            _ => None,
        }
    }

    /// The items as rows of numbers that are read a few at a time, for pictures, tables and points.
    pub fn raw_rows(&self) -> Option<&dyn RawRows> {
        match self {
            Self::Pictures(items) => Some(items),
            Self::Table(items) => Some(items),
            Self::Points(items) => Some(items),
            _ => None,
        }
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        each!(self, items => Items::len(items))
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items `rows`, in that order.
    ///
    /// # Panics
    /// If a row is out of range.
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Pictures(items) => Self::Pictures(items.select(rows)),
            Self::Table(items) => Self::Table(items.select(rows)),
            Self::Points(items) => Self::Points(items.select(rows)),
            Self::Text(items) => Self::Text(items.select(rows)),
            Self::Pairs(items) => Self::Pairs(items.select(rows)),
            Self::Sequences(items) => Self::Sequences(items.select(rows)),
            Self::Sound(items) => Self::Sound(items.select(rows)),
            Self::Documents(items) => Self::Documents(items.select(rows)),
            Self::Ratings(items) => Self::Ratings(items.select(rows)),
            Self::Graph(items) => Self::Graph(items.select(rows)),
        }
    }

    /// The items of several parts, one after the other.
    ///
    /// # Errors
    /// No part, or parts of different kinds.
    pub fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let Some(first) = parts.first() else {
            return Err(DataError::part("parts", "one or more", 0));
        };
        let modality = first.modality();
        macro_rules! join {
            ($variant:ident) => {{
                let mut same = Vec::with_capacity(parts.len());
                for part in parts {
                    match part {
                        Self::$variant(items) => same.push(items),
                        other => {
                            let expected = format!("{modality} in every part");
                            return Err(DataError::part("parts", expected, other.modality()));
                        }
                    }
                }
                Ok(Self::$variant(Items::concat(same)?))
            }};
        }
        match first {
            Self::Pictures(_) => join!(Pictures),
            Self::Table(_) => join!(Table),
            Self::Points(_) => join!(Points),
            Self::Text(_) => join!(Text),
            Self::Pairs(_) => join!(Pairs),
            Self::Sequences(_) => join!(Sequences),
            Self::Sound(_) => join!(Sound),
            Self::Documents(_) => join!(Documents),
            Self::Ratings(_) => join!(Ratings),
            Self::Graph(_) => join!(Graph),
        }
    }

    /// The class of each item, where there are classes.
    pub fn labels(&self) -> Option<Vec<u32>> {
        let labels = match self {
            Self::Pictures(items) => items.labels(),
            Self::Table(items) => items.labels(),
            Self::Points(items) => items.labels(),
            Self::Sound(items) => items.labels(),
            Self::Documents(items) => items.labels(),
            _ => None,
        };
        labels.map(<[u32]>::to_vec)
    }

    /// How often training should draw each item, up to a factor, where the data says it.
    pub fn weights(&self) -> Option<&[f64]> {
        match self {
            Self::Table(items) => items.weights(),
            _ => None,
        }
    }

    /// Names of the classes; empty where there are none.
    pub fn class_names(&self) -> Vec<String> {
        match self {
            Self::Pictures(items) => items.class_names().to_vec(),
            Self::Table(items) => items.class_names().to_vec(),
            Self::Points(items) => items.class_names().to_vec(),
            Self::Sound(items) => items.class_names().to_vec(),
            Self::Documents(items) => items.class_names().to_vec(),
            _ => Vec::new(),
        }
    }

    /// `n` random items, chosen by the seed, in the order of the rows; all of them where there are
    /// no more than `n`. Of pairs, all of each source that is chosen: fewer than `n` where the next
    /// source has too many, and more where the first one has.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn take_random(&self, n: usize, seed: Seed) -> Self {
        assert!(n > 0, "Data::take_random: one item or more");
        if n >= self.len() {
            return self.clone();
        }
        let mut noise = Noise::new(seed).fork("take");
        let mut rows = match self {
            Self::Pairs(pairs) => whole_groups(&pairs.groups(), n, noise),
            _ => noise.permutation(self.len()).into_iter().take(n).collect(),
        };
        rows.sort_unstable();
        self.select(&rows)
    }

    /// Whether `sha256` is the hash of this data, in the present form or in the form of the cards of
    /// models before there were modalities ([`Dataset::sha256`]).
    pub fn has_sha256(&self, sha256: &str) -> bool {
        self.sha256() == sha256 || self.dataset().is_some_and(|rows| rows.sha256() == sha256)
    }

    /// SHA-256 over everything that a model can see, in hexadecimal: values, names and kinds of
    /// columns, classes.
    pub fn sha256(&self) -> String {
        each!(self, items => items.sha256())
    }

    /// What the data holds, in numbers, as JSON.
    pub fn describe(&self) -> Value {
        each!(self, items => items.describe())
    }

    /// Writes the items in the form that the path's ending names.
    ///
    /// # Errors
    /// An ending that the modality cannot be written in, or when the system refuses.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), DataError> {
        let path = path.as_ref();
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(DataError::io(parent, "create"))?;
        }
        each!(self, items => items.write(path))
    }
}

/// The rows of groups in random order, as many as come to no more than `n` rows; one group at least.
fn whole_groups(groups: &[usize], n: usize, mut noise: Noise) -> Vec<usize> {
    let count = groups.iter().max().map_or(0, |last| last + 1);
    let mut members = vec![Vec::new(); count];
    groups.iter().enumerate().for_each(|(row, &group)| members[group].push(row));
    let mut rows = Vec::with_capacity(n);
    for group in noise.permutation(count) {
        if !rows.is_empty() && rows.len() + members[group].len() > n {
            break;
        }
        rows.append(&mut members[group]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_taken_with_all_its_targets() {
        let pair = |i: usize| ((i / 3 * (1 + i % 2)).to_string(), i.to_string());
        let all = Data::Pairs(Pairs::new((0..60).map(pair)));
        let Data::Pairs(taken) = all.take_random(20, Seed(1)) else { panic!("pairs") };
        assert!((10..=20).contains(&taken.len()), "{}", taken.len());
        let Data::Pairs(whole) = &all else { panic!("pairs") };
        let count = |pairs: &Pairs, source: &str| {
            pairs.sources().iter().filter(|s| &***s == source).count()
        };
        for source in taken.sources() {
            assert_eq!(count(&taken, source), count(whole, source));
        }
        assert!(!all.take_random(1, Seed(2)).is_empty());
        assert_eq!(all.take_random(60, Seed(1)), all);
    }

    #[test]
    fn parts_of_a_data_set_make_it_again() {
        let digits = Data::from_dataset(crate::digits());
        let (a, b) = (digits.select(&[0, 1, 2]), digits.select(&[3, 4]));
        let joined = Data::concat(vec![a.clone(), b]).unwrap();
        assert_eq!(joined.sha256(), digits.select(&[0, 1, 2, 3, 4]).sha256());
        assert_eq!(joined.modality(), Modality::Pictures);
        let text = Data::Text(Text::new(["a", "b"]));
        assert!(Data::concat(vec![a, text]).unwrap_err().to_string().contains("pictures"));
        assert!(Data::concat(Vec::new()).is_err());
    }

    #[test]
    fn sequences_keep_their_steps() {
        let names = vec!["x".to_string(), "y".to_string()];
        let all = Sequences::new(names, vec![1.0, 2.0, f64::NAN, 4.0, 5.0, 6.0], vec![1, 2]);
        let all = all.unwrap();
        let swapped = all.select(&[1, 0]);
        assert_eq!(swapped.lengths(), [2, 1]);
        assert_eq!(swapped.sequence(1), [1.0, 2.0]);
        assert!(swapped.sequence(0)[0].is_nan());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.csv");
        Data::Sequences(all).write(&path).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, "id,x,y\n0,1,2\n1,,4\n1,5,6\n");
        assert!(Sequences::new(vec!["x".into()], vec![1.0], vec![2]).is_err());
    }
}

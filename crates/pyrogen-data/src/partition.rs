//! Training, validation and test part of data of any modality.

use std::collections::{HashMap, HashSet};

use pyrogen_core::{Noise, Seed};
use serde::{Deserialize, Serialize};

use crate::data::Data;
use crate::split::split_rows;
use crate::{DataError, Holdout};

/// How data is divided into a training, a validation and a test part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PartitionSpec {
    /// The share of all items that is the test part, where the data has no test part of its own;
    /// in [0, 1), and 0 for none.
    pub test: f64,
    /// The share of the other items that is for validation; in [0, 1), and 0 for none.
    pub validation: f64,
    /// Which items are held out.
    pub by: By,
}

impl Default for PartitionSpec {
    fn default() -> Self {
        Self { test: 0.2, validation: 0.1, by: By::Random }
    }
}

/// Which items are held out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum By {
    /// Random ones, by the seed; where there are labels, every class gives its share (to within one
    /// item). Pairs of one source are in one part.
    #[default]
    Random,
    /// Random groups, by the seed: rows of a table that are equal in a column are in one part; the columns
    /// of pairs are `source` and `target`.
    Group {
        /// The column.
        column: String,
    },
    /// The last ones: the test part, and before it the validation part. Other pairs of their sources go
    /// with them.
    Ordered,
}

/// Parts without a common item; each keeps the order of the items.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Partition {
    /// What is learnt from.
    pub train: Data,
    /// What choices are made by; none for a share of 0.
    pub validation: Option<Data>,
    /// What is kept for the end: the part that the data's makers defined, where they did; none for
    /// a share of 0.
    pub test: Option<Data>,
}

impl PartitionSpec {
    /// # Errors
    /// A share that is not in [0, 1).
    pub fn validate(&self) -> Result<(), DataError> {
        let shares = [("test", self.test), ("validation", self.validation)];
        match shares.into_iter().find(|(_, share)| !(0.0..1.0).contains(share)) {
            None => Ok(()),
            Some((part, share)) => Err(DataError::part(part, "a share in [0, 1)", share)),
        }
    }
}

impl Data {
    /// Training, validation and test part.
    ///
    /// `makers_test` is the test part that the data's makers defined: then it is the test part, and
    /// nothing else is taken away for it. Random parts depend on the seed, the number of items and
    /// the labels alone.
    ///
    /// A text of one document and data of one sequence have no items to choose between: they are
    /// cut, and their last part (of the characters, or of the steps) is held out.
    ///
    /// # Errors
    /// A share out of range, a part that would be empty, or a column that the data does not have.
    pub fn partition(
        &self,
        makers_test: Option<&Data>,
        spec: &PartitionSpec,
        seed: Seed,
    ) -> Result<Partition, DataError> {
        spec.validate()?;
        let (rest, test) = match makers_test {
            Some(test) => (self.clone(), Some(test.clone())),
            None => self.part_off(spec.test, &spec.by, seed)?,
        };
        let (train, validation) = rest.part_off(spec.validation, &spec.by, seed)?;
        Ok(Partition { train, validation, test })
    }

    /// What is kept, and a share that is held out.
    fn part_off(&self, share: f64, by: &By, seed: Seed) -> Result<(Self, Option<Self>), DataError> {
        if share == 0.0 {
            return Ok((self.clone(), None));
        }
        if self.len() == 1
            && let Some((kept, held)) = self.cut(share)?
        {
            return Ok((kept, Some(held)));
        }
        let (kept, held) = self.rows_off(share, by, seed)?;
        Ok((self.select(&kept), Some(self.select(&held))))
    }

    /// The numbers of the items that are kept, and of those that are held out.
    fn rows_off(
        &self,
        share: f64,
        by: &By,
        seed: Seed,
    ) -> Result<(Vec<usize>, Vec<usize>), DataError> {
        let holdout = Holdout::Fraction(share);
        Ok(match by {
            By::Random => match self {
                Self::Pairs(pairs) => split_groups(&pairs.groups(), share, seed)?,
                _ => split_rows(self.len(), self.labels().as_deref(), holdout, seed)?,
            },
            By::Ordered => {
                let count = split_rows(self.len(), None, holdout, seed)?.1.len();
                self.last_off(self.len() - count)?
            }
            By::Group { column } => {
                let groups = self.groups(column)?;
                split_groups(&groups, share, seed)?
            }
        })
    }

    /// The items before `first`, and the others; of pairs with all others of their sources.
    fn last_off(&self, first: usize) -> Result<(Vec<usize>, Vec<usize>), DataError> {
        let Self::Pairs(pairs) = self else {
            return Ok(((0..first).collect(), (first..self.len()).collect()));
        };
        let groups = pairs.groups();
        let held: HashSet<usize> = groups[first..].iter().copied().collect();
        let (kept, off): (Vec<usize>, Vec<usize>) =
            (0..self.len()).partition(|&row| !held.contains(&groups[row]));
        if kept.is_empty() {
            return Err(DataError::Split {
                asked: format!("the last {}", self.len() - first),
                rows: self.len(),
                expected: "every source stands among them: hold out fewer",
            });
        }
        Ok((kept, off))
    }

    /// The numbers of the items that [`partition`](Self::partition) holds out for tests where the
    /// makers of the data have defined none; None where no items are, or where one is cut.
    ///
    /// # Errors
    /// As [`partition`](Self::partition).
    pub fn test_rows(
        &self,
        spec: &PartitionSpec,
        seed: Seed,
    ) -> Result<Option<Vec<usize>>, DataError> {
        spec.validate()?;
        if spec.test == 0.0 || self.len() == 1 {
            return Ok(None);
        }
        Ok(Some(self.rows_off(spec.test, &spec.by, seed)?.1))
    }

    /// One text or sequence in two; none for items that cannot be cut.
    fn cut(&self, share: f64) -> Result<Option<(Self, Self)>, DataError> {
        let parts = match self {
            Self::Text(text) => text.cut(share).map(|(a, b)| (Self::Text(a), Self::Text(b))),
            Self::Sequences(all) => {
                all.cut(share).map(|(a, b)| (Self::Sequences(a), Self::Sequences(b)))
            }
            _ => return Ok(None),
        };
        parts.map(Some).ok_or_else(|| DataError::Split {
            asked: format!("the fraction {share}"),
            rows: 1,
            expected: "each part of a cut needs one character or step or more",
        })
    }

    /// The group of each item: a number that is equal for items that are equal in a column.
    fn groups(&self, column: &str) -> Result<Vec<usize>, DataError> {
        if let Self::Pairs(pairs) = self {
            return match column {
                "source" => Ok(pairs.groups()),
                "target" => Ok(pairs.groups_of_targets()),
                _ => Err(DataError::part("group", "one of the columns source, target", column)),
            };
        }
        let Self::Table(table) = self else {
            let expected = format!("a table with a column `{column}`");
            return Err(DataError::part("group", expected, self.modality()));
        };
        let cells = table.group_keys(column).ok_or_else(|| {
            let known = table.group_names().join(", ");
            DataError::part("group", format!("one of the columns {known}"), column)
        })?;
        let mut seen = HashMap::new();
        let number = |cell| {
            let next = seen.len();
            *seen.entry(cell).or_insert(next)
        };
        Ok(cells.into_iter().map(number).collect())
    }
}

/// Rows kept and held out, whole groups each: groups in random order are held out as long as that
/// brings the number of rows nearer to the share.
fn split_groups(
    groups: &[usize],
    share: f64,
    seed: Seed,
) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    let count = groups.iter().max().map_or(0, |&g| g + 1);
    if count < 2 {
        return Err(DataError::Split {
            asked: format!("the fraction {share}"),
            rows: groups.len(),
            expected: "all of them are in one group: two groups or more are needed",
        });
    }
    let mut sizes = vec![0usize; count];
    groups.iter().for_each(|&g| sizes[g] += 1);
    let wanted = share * groups.len() as f64;
    let order = Noise::new(seed).fork("split groups").permutation(count);
    let mut out = vec![false; count];
    let (mut held, mut taken) = (0usize, 0usize);
    for &group in &order {
        let with = held + sizes[group];
        let nearer = (with as f64 - wanted).abs() < (wanted - held as f64).abs();
        if nearer && taken + 1 < count {
            out[group] = true;
            (held, taken) = (with, taken + 1);
        }
    }
    if taken == 0 {
        // Every group is larger than twice the share: the smallest is nearest to it.
        let smallest = order.iter().copied().min_by_key(|&g| sizes[g]).expect("two groups or more");
        out[smallest] = true;
    }
    Ok((0..groups.len()).partition(|&row| !out[groups[row]]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Sequences, Table, Text};
    use crate::{Dataset, digits};

    fn spec(by: By) -> PartitionSpec {
        PartitionSpec { by, ..PartitionSpec::default() }
    }

    #[test]
    fn random_parts_are_those_of_split_and_hold_out() {
        let rows = digits();
        let split = rows.split(Holdout::Fraction(0.2), Seed(3)).unwrap();
        let inner = split.train.hold_out(Holdout::Fraction(0.1), Seed(3)).unwrap();
        let parts = Data::from_dataset(rows.clone())
            .partition(None, &PartitionSpec::default(), Seed(3))
            .unwrap();
        assert_eq!(parts.train, Data::from_dataset(inner.train));
        assert_eq!(parts.validation, Some(Data::from_dataset(inner.test)));
        assert_eq!(parts.test, Some(Data::from_dataset(split.test)));
        // A test part of the makers takes nothing away.
        let test = Data::from_dataset(rows.subset(&[1, 2]));
        let parts = Data::from_dataset(rows.clone())
            .partition(Some(&test), &PartitionSpec::default(), Seed(3))
            .unwrap();
        let inner = rows.hold_out(Holdout::Fraction(0.1), Seed(3)).unwrap();
        assert_eq!(parts.test, Some(test));
        assert_eq!(parts.train, Data::from_dataset(inner.train));
    }

    #[test]
    fn a_share_of_zero_is_no_part_and_shares_are_checked() {
        let data = Data::from_dataset(digits().subset(&[0, 1, 2]));
        let none = PartitionSpec { test: 0.0, validation: 0.0, ..PartitionSpec::default() };
        let parts = data.partition(None, &none, Seed(0)).unwrap();
        assert_eq!((parts.train, parts.validation, parts.test), (data.clone(), None, None));
        for share in [1.0, -0.1, f64::NAN] {
            let spec = PartitionSpec { test: share, ..PartitionSpec::default() };
            let text = data.partition(None, &spec, Seed(0)).unwrap_err().to_string();
            assert!(text.contains("a share in [0, 1)"), "{text}");
        }
        let json = serde_json::to_string(&spec(By::Group { column: "a".into() })).unwrap();
        assert_eq!(json, r#"{"test":0.2,"validation":0.1,"by":{"group":{"column":"a"}}}"#);
        assert_eq!(serde_json::from_str::<PartitionSpec>("{}").unwrap(), PartitionSpec::default());
    }

    fn table(column: &[f32]) -> Data {
        use crate::{Column, ColumnKind, TableSchema};
        let rows = Dataset::from_parts(column.to_vec(), vec![1], None).unwrap();
        let columns = vec![Column::new("who", ColumnKind::Integer)];
        Data::Table(Table::from_dataset(rows.with_schema(TableSchema { columns }).unwrap()))
    }

    #[test]
    fn a_group_is_in_one_part() {
        let mut noise = Noise::new(Seed(5));
        let people: Vec<f32> =
            noise.uniform_vec(500).iter().map(|u| (u * u * 40.0).floor() as f32).collect();
        let data = table(&people);
        for seed in 0..20 {
            let by = By::Group { column: "who".into() };
            let parts = data.partition(None, &spec(by), Seed(seed)).unwrap();
            let of = |data: &Data| -> std::collections::BTreeSet<u32> {
                data.dataset().unwrap().values().iter().map(|v| *v as u32).collect()
            };
            let (test, validation) = (parts.test.unwrap(), parts.validation.unwrap());
            let sets = [of(&parts.train), of(&test), of(&validation)];
            assert!(sets[0].is_disjoint(&sets[1]) && sets[0].is_disjoint(&sets[2]));
            assert!(sets[1].is_disjoint(&sets[2]));
            assert_eq!(parts.train.len() + test.len() + validation.len(), 500);
            // The largest group has 79 rows; the share is 100 rows.
            assert!((60..=140).contains(&test.len()), "{}", test.len());
        }
        let by = By::Group { column: "x".into() };
        let text = data.partition(None, &spec(by), Seed(0)).unwrap_err().to_string();
        assert!(text.contains("one of the columns who"), "{text}");
        let by = || spec(By::Group { column: "who".into() });
        let text = table(&[1.0, 1.0]).partition(None, &by(), Seed(0)).unwrap_err().to_string();
        assert!(text.contains("one group"), "{text}");
        let parts = table(&[1.0, 1.0, 2.0]).partition(
            None,
            &PartitionSpec { validation: 0.0, ..by() },
            Seed(0),
        );
        assert_eq!(parts.unwrap().test.unwrap().len(), 1);
    }

    #[test]
    fn a_source_is_in_one_part() {
        use crate::Pairs;
        // Sources of one to five targets, which stand far from each other.
        let pair = |i: usize| (format!("s{}", i * i % 97), format!("t{i}"));
        let data = Data::Pairs(Pairs::new((0..400).map(pair)));
        let sources = |data: &Data| -> HashSet<String> {
            let Data::Pairs(pairs) = data else { panic!("pairs") };
            pairs.sources().iter().map(|s| s.to_string()).collect()
        };
        let by_source = By::Group { column: "source".into() };
        for by in [By::Random, By::Ordered, by_source] {
            let spec = PartitionSpec { test: 0.05, validation: 0.05, by: by.clone() };
            for seed in 0..5 {
                let parts = data.partition(None, &spec, Seed(seed)).unwrap();
                let (test, validation) = (parts.test.unwrap(), parts.validation.unwrap());
                let sets = [sources(&parts.train), sources(&test), sources(&validation)];
                assert!(sets[0].is_disjoint(&sets[1]) && sets[0].is_disjoint(&sets[2]), "{by:?}");
                assert!(sets[1].is_disjoint(&sets[2]), "{by:?}");
                let count = parts.train.len() + test.len() + validation.len();
                assert_eq!(count, 400);
                let most = if by == By::Ordered { 200 } else { 30 };
                assert!((10..=most).contains(&test.len()), "{by:?}: {}", test.len());
            }
        }
        let spec = |column: &str| spec(By::Group { column: column.into() });
        assert!(data.partition(None, &spec("target"), Seed(0)).is_ok());
        let text = data.partition(None, &spec("x"), Seed(0)).unwrap_err().to_string();
        assert!(text.contains("source, target"), "{text}");
        let one = Data::Pairs(Pairs::new([("a", "b"), ("a", "c")]));
        for by in [By::Random, By::Ordered] {
            let spec = PartitionSpec { by, ..PartitionSpec::default() };
            assert!(one.partition(None, &spec, Seed(0)).is_err());
        }
    }

    #[test]
    fn ordered_parts_are_the_last() {
        let values: Vec<f32> = (0..50).map(|i| i as f32).collect();
        let parts = table(&values).partition(None, &spec(By::Ordered), Seed(0)).unwrap();
        assert_eq!(parts.train.dataset().unwrap().values(), &values[..36]);
        assert_eq!(parts.validation.unwrap().dataset().unwrap().values(), &values[36..40]);
        assert_eq!(parts.test.unwrap().dataset().unwrap().values(), &values[40..]);
    }

    #[test]
    fn one_document_or_sequence_is_cut() {
        let text = Data::Text(Text::new(["äbcdefghij"]));
        let spec = PartitionSpec { test: 0.2, validation: 0.0, by: By::Random };
        let parts = text.partition(None, &spec, Seed(0)).unwrap();
        assert_eq!(parts.train, Data::Text(Text::new(["äbcdefgh"])));
        assert_eq!(parts.test, Some(Data::Text(Text::new(["ij"]))));
        let steps = |v: &[f64]| {
            let names = vec!["x".to_string()];
            Data::Sequences(Sequences::new(names, v.to_vec(), vec![v.len()]).unwrap())
        };
        let parts = steps(&[1.0, 2.0, 3.0, 4.0, 5.0]).partition(None, &spec, Seed(0)).unwrap();
        assert_eq!(parts.train, steps(&[1.0, 2.0, 3.0, 4.0]));
        assert_eq!(parts.test, Some(steps(&[5.0])));
        let one = Data::Text(Text::new(["a"]));
        assert!(one.partition(None, &spec, Seed(0)).is_err());
    }

    #[test]
    fn random_items_are_taken_in_order() {
        let data = table(&(0..100).map(|i| i as f32).collect::<Vec<_>>());
        let taken = data.take_random(10, Seed(1));
        let values = taken.dataset().unwrap().values().to_vec();
        assert!(values.is_sorted() && values.len() == 10);
        assert_eq!(data.take_random(10, Seed(1)), taken);
        assert_ne!(data.take_random(10, Seed(2)), taken);
        assert_eq!(data.take_random(1000, Seed(2)), data);
    }
}

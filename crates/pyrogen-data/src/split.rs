//! Deterministic parts of a data set: training, validation, test.

use std::collections::BTreeMap;

use pyrogen_core::{Noise, Seed};

use crate::{DataError, Dataset};

/// How many examples are held out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Holdout {
    /// A share of all, in (0, 1).
    Fraction(f64),
    /// A number of examples.
    Count(usize),
}

/// Two parts without a common row.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// What is learnt from.
    pub train: Dataset,
    /// What is held out.
    pub test: Dataset,
}

impl Dataset {
    /// Training and test part: the part that the data's makers defined where there is one, else
    /// as [`hold_out`](Self::hold_out).
    ///
    /// # Errors
    /// As [`hold_out`](Self::hold_out).
    pub fn split(&self, holdout: Holdout, seed: Seed) -> Result<Split, DataError> {
        match self.test_part() {
            None => self.hold_out(holdout, seed),
            Some(test) => Ok(Split { train: self.without_test_part(), test: test.clone() }),
        }
    }

    /// Holds out random rows, whatever test part there is: for validation, apply it to the
    /// training part of [`split`](Self::split).
    ///
    /// The rows depend on the seed, the number of rows and the labels only. With labels, every
    /// class gives its share (to within one row). Both parts keep the order of the rows.
    ///
    /// # Errors
    /// When a part would be empty.
    pub fn hold_out(&self, holdout: Holdout, seed: Seed) -> Result<Split, DataError> {
        let (train, test) = split_rows(self.len(), self.labels(), holdout, seed)?;
        Ok(Split { train: self.subset(&train), test: self.subset(&test) })
    }

    fn without_test_part(&self) -> Dataset {
        let mut train = self.clone();
        train.drop_test_part();
        train
    }
}

/// The rows of [`Dataset::hold_out`]: kept and held out, each ascending.
///
/// # Errors
/// When a part would be empty.
///
/// # Panics
/// If there is another number of labels than rows.
pub fn split_rows(
    rows: usize,
    labels: Option<&[u32]>,
    holdout: Holdout,
    seed: Seed,
) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    let count = held_out(rows, holdout)?;
    let order = Noise::new(seed).fork("split").permutation(rows);
    let mut classes = group(&order, labels);
    let mut out = vec![false; rows];
    for (class, quota) in quotas(&classes, rows, count).into_iter().enumerate() {
        classes[class].truncate(quota);
        classes[class].iter().for_each(|&row| out[row] = true);
    }
    Ok((0..rows).partition(|&row| !out[row]))
}

fn held_out(rows: usize, holdout: Holdout) -> Result<usize, DataError> {
    let error = |asked: String, expected| DataError::Split { asked, rows, expected };
    let (count, asked) = match holdout {
        Holdout::Fraction(f) if !(f > 0.0 && f < 1.0) => {
            let asked = format!("the fraction {f}");
            return Err(error(asked, "give a fraction between 0 and 1"));
        }
        Holdout::Fraction(f) => {
            let count = (rows as f64 * f).round() as usize;
            (count.clamp(1, rows.max(2) - 1), format!("the fraction {f}"))
        }
        Holdout::Count(count) => (count, format!("{count}")),
    };
    if count == 0 || count >= rows {
        return Err(error(asked, "each part needs one example or more"));
    }
    Ok(count)
}

/// The rows of each class, in the order of `order`.
fn group(order: &[usize], labels: Option<&[u32]>) -> Vec<Vec<usize>> {
    let Some(labels) = labels else {
        return vec![order.to_vec()];
    };
    assert_eq!(labels.len(), order.len(), "split_rows: one label a row");
    let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for &row in order {
        groups.entry(labels[row]).or_default().push(row);
    }
    groups.into_values().collect()
}

/// How many rows each class gives, `count` in all: its share rounded down, and the rest by the
/// largest remainders (the lower class first among equals).
fn quotas(classes: &[Vec<usize>], rows: usize, count: usize) -> Vec<usize> {
    let share = |class: &Vec<usize>| class.len() as u128 * count as u128;
    let mut quotas: Vec<usize> =
        classes.iter().map(|class| (share(class) / rows as u128) as usize).collect();
    let mut by_remainder: Vec<usize> = (0..classes.len()).collect();
    by_remainder.sort_by_key(|&k| (std::cmp::Reverse(share(&classes[k]) % rows as u128), k));
    let rest = count - quotas.iter().sum::<usize>();
    by_remainder[..rest].iter().for_each(|&k| quotas[k] += 1);
    quotas
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digits;

    #[test]
    fn parts_are_disjoint_complete_and_repeat() {
        for (rows, holdout, held) in [
            (10, Holdout::Fraction(0.2), 2),
            (7, Holdout::Count(3), 3),
            (2, Holdout::Fraction(0.01), 1),
            (2, Holdout::Fraction(0.99), 1),
        ] {
            let (train, test) = split_rows(rows, None, holdout, Seed(4)).unwrap();
            assert_eq!(test.len(), held);
            let mut all = [train.clone(), test.clone()].concat();
            all.sort_unstable();
            assert_eq!(all, (0..rows).collect::<Vec<_>>());
            assert_eq!(split_rows(rows, None, holdout, Seed(4)).unwrap(), (train, test));
        }
        let half = Holdout::Fraction(0.5);
        assert_ne!(
            split_rows(100, None, half, Seed(1)).unwrap(),
            split_rows(100, None, half, Seed(2)).unwrap()
        );
    }

    #[test]
    fn classes_give_their_share() {
        let data = digits();
        let fraction = 0.2;
        let split = data.split(Holdout::Fraction(fraction), Seed(0)).unwrap();
        assert_eq!((split.train.len(), split.test.len()), (1438, 359));
        let count =
            |d: &Dataset, class| d.labels().unwrap().iter().filter(|&&l| l == class).count();
        for class in 0..10 {
            let share = count(&data, class) as f64 * fraction;
            assert!((count(&split.test, class) as f64 - share).abs() < 1.0);
        }
        // Rows go with their labels.
        let (_, rows) =
            split_rows(1797, data.labels(), Holdout::Fraction(fraction), Seed(0)).unwrap();
        assert_eq!(split.test, data.subset(&rows));
        // A class of one row, and numbers without examples, are no trouble.
        let (train, test) =
            split_rows(5, Some(&[0, 0, 0, 0, u32::MAX]), Holdout::Count(2), Seed(1)).unwrap();
        assert_eq!((train.len(), test.len()), (3, 2));
    }

    #[test]
    fn a_defined_test_part_is_used_and_validation_comes_from_training() {
        let data = digits();
        let test = data.subset(&[5, 6]);
        let whole = data.clone().with_test_part(test.clone()).unwrap();
        let split = whole.split(Holdout::Fraction(0.2), Seed(0)).unwrap();
        assert_eq!((&split.train, &split.test), (&data, &test));
        let validation = split.train.hold_out(Holdout::Count(100), Seed(0)).unwrap();
        assert_eq!(validation.train.len(), 1697);
    }

    #[test]
    fn an_empty_part_is_an_error() {
        for (rows, holdout) in [
            (10, Holdout::Count(0)),
            (10, Holdout::Count(10)),
            (1, Holdout::Fraction(0.5)),
            (10, Holdout::Fraction(0.0)),
            (10, Holdout::Fraction(1.0)),
            (10, Holdout::Fraction(f64::NAN)),
        ] {
            let text = split_rows(rows, None, holdout, Seed(0)).unwrap_err().to_string();
            assert!(text.contains(&format!("of {rows} examples")), "{text}");
        }
    }
}

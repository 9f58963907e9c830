//! What the numbers of a report mean.

/// Which values of a number are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Small ones.
    Lower,
    /// Large ones.
    Higher,
    /// Neither: the number describes.
    Neither,
}

impl Better {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lower => "lower is better",
            Self::Higher => "higher is better",
            Self::Neither => "describes",
        }
    }
}

/// What one number of a report means, in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// Which values are better.
    pub better: Better,
    /// What it is.
    pub text: &'static str,
}

/// The meaning of a value of a [`MetricReport`](crate::MetricReport), by its name.
///
/// ```
/// use pyrogen_metrics::{Better, meaning};
///
/// assert_eq!(meaning("frechet").unwrap().better, Better::Lower);
/// assert!(meaning("share_dog").unwrap().text.contains("class"));
/// assert_eq!(meaning("unheard"), None);
/// ```
pub fn meaning(value: &str) -> Option<Meaning> {
    use Better::{Higher, Lower, Neither};
    let (better, text) = match value {
        "frechet" => (Lower, "distance of mean and spread of the features; 0 for equal ones"),
        "kid" => (
            Lower,
            "distance of the features' distributions (kernel, no bias); about 0 for equal ones",
        ),
        "kid_std" => (Neither, "standard deviation of kid over its subsets"),
        "mmd" => (Lower, "distance of the features' distributions (kernel); 0 for equal ones"),
        "precision" => (Higher, "share of samples that lie among real items"),
        "recall" => (Higher, "share of real items that lie among samples"),
        "density" => {
            (Higher, "how many real items' neighbourhoods a sample lies in; 1 for real items")
        }
        "coverage" => (Higher, "share of real items with a sample among their neighbours"),
        "class_total_variation" => {
            (Lower, "share of samples that would have to change their class")
        }
        "class_agreement" => (Higher, "share of samples that are read as the class asked for"),
        "column_difference" => {
            (Lower, "mean distance of a column's distribution from the real one, 0 to 1")
        }
        "column_difference_max" => (Lower, "the same of the column that is farthest"),
        "association_difference" => {
            (Lower, "mean difference of the dependence of two columns from the real one, 0 to 1")
        }
        "pair_trends" => (Higher, "how alike pairs of columns are distributed, 1 for equal ones"),
        "exact_match" => (Higher, "share of sources whose text is one of the targets, in percent"),
        "wer" => (
            Lower,
            "edits for 100 words of the targets; of phonemes, which have blanks between them, the \
             phoneme error rate",
        ),
        "cer" => (Lower, "edits for 100 characters of the targets"),
        "bleu" => (Higher, "precision of runs of 1 to 4 words, 0 to 100"),
        "chrf" => (Higher, "overlap of runs of 1 to 6 characters, 0 to 100"),
        "self_bleu" => (Lower, "how well a text is covered by the others, 0 to 100"),
        "repetition" => (Lower, "share of runs of 4 words that the same text had before"),
        "copied_8" => (Lower, "share of runs of 8 words that stand in the training text"),
        "copied_13" => (Lower, "share of runs of 13 words that stand in the training text"),
        real if real.starts_with("real_distinct_") => (Neither, "the same of as many real texts"),
        distinct if distinct.starts_with("distinct_") => {
            (Higher, "share of runs of so many words that are different; compare with real texts")
        }
        share if share.starts_with("share_") => (Neither, "share of samples read as this class"),
        _ => return None,
    };
    Some(Meaning { better, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Features, Metric, class_shares};
    use pyrogen_core::Seed;

    #[test]
    fn every_number_of_a_report_is_explained() {
        let values: Vec<f64> = (0..40).map(|i| f64::from(i % 7) + f64::from(i) / 11.0).collect();
        let (x, y) = values.split_at(20);
        let features = |v: &[f64]| Features::new(v.to_vec(), 10, 2).unwrap();
        let (x, y) = (features(x), features(y));
        let labels = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1];
        let mut reports: Vec<_> =
            Metric::all().iter().map(|m| m.compute(&x, &y, Seed(1)).unwrap()).collect();
        let shares = class_shares(&x, &labels, &y, Some(&labels)).unwrap();
        reports.push(shares.report(&x, &y, &["cat".to_string(), "dog".to_string()]));
        for report in reports {
            for (name, _) in report.values() {
                assert!(meaning(name).is_some(), "{name}");
            }
        }
    }
}

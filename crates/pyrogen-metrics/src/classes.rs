//! Which classes a generator makes, and whether they are those it was asked for.

use crate::nearest::closest;
use crate::{Features, MetricError, MetricReport, Signature};

const METRIC: &str = "classes";

/// Shares of the classes.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassShares {
    /// Of each class among the real examples.
    pub real: Vec<f64>,
    /// Of each class among the generated examples, as they are read.
    pub generated: Vec<f64>,
    /// Share of the generated examples that are read as the class they were asked for.
    pub agreement: Option<f64>,
}

/// The share of each class among generated examples, where `labels` are the classes of the real ones
/// and `asked` the conditions of the generator, if any.
///
/// The class of a generated example is read as that of the closest real one in feature space (the first
/// of several at one distance). A reading errs as a one-neighbour classifier in these features does:
/// real examples that are not among the `real` ones, read in the same way, say how often.
///
/// # Errors
/// Features of another width or name, another number of labels than rows, or values whose squares
/// overflow.
///
/// ```
/// use pyrogen_metrics::{Features, class_shares};
///
/// let real = Features::new(vec![0.0, 0.2, 1.0, 1.2], 4, 1)?;
/// let generated = Features::new(vec![0.1, 0.9, 1.1, 1.3], 4, 1)?;
/// let shares = class_shares(&real, &[0, 0, 1, 1], &generated, Some(&[0, 0, 1, 1]))?;
/// assert_eq!(shares.real, [0.5, 0.5]);
/// assert_eq!(shares.generated, [0.25, 0.75]);
/// assert_eq!(shares.agreement, Some(0.75));
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
pub fn class_shares(
    real: &Features,
    labels: &[usize],
    generated: &Features,
    asked: Option<&[usize]>,
) -> Result<ClassShares, MetricError> {
    let read = read_classes(METRIC, real, labels, generated)?;
    if let Some(asked) = asked {
        check_labels(METRIC, "asked", asked, generated)?;
    }
    let largest = labels.iter().chain(asked.unwrap_or_default()).max();
    let classes = largest.map_or(0, |&l| l + 1);
    let agreement = asked.map(|asked| {
        let same = read.iter().zip(asked).filter(|(a, b)| a == b);
        same.count() as f64 / generated.rows() as f64
    });
    Ok(ClassShares { real: shares(labels, classes), generated: shares(&read, classes), agreement })
}

impl ClassShares {
    /// The largest class number plus one.
    pub fn classes(&self) -> usize {
        self.real.len()
    }

    /// Half of the sum of the shares' differences: 0 for equal shares, 1 for none in common.
    pub fn total_variation(&self) -> f64 {
        let pairs = self.real.iter().zip(&self.generated);
        0.5 * pairs.map(|(a, b)| (a - b).abs()).sum::<f64>()
    }

    /// As a report: the total variation, the agreement where classes were asked for, and each class's
    /// share among the generated examples, as `share_NAME`, or by its number where it has no name.
    pub fn report(&self, real: &Features, generated: &Features, names: &[String]) -> MetricReport {
        let name = |c: usize| match names.get(c) {
            Some(name) => format!("share_{name}"),
            None => format!("share_{c}"),
        };
        let names: Vec<String> = (0..self.classes()).map(name).collect();
        let mut values = vec![("class_total_variation", self.total_variation())];
        values.extend(self.agreement.map(|a| ("class_agreement", a)));
        values.extend(names.iter().map(String::as_str).zip(self.generated.iter().copied()));
        let signature = Signature::new(METRIC)
            .with("features", real.name())
            .with("real", real.rows())
            .with("generated", generated.rows())
            .with("neighbours", 1);
        MetricReport::new(signature.with_version(), &values)
    }
}

/// The class of the closest real example, for each generated one.
pub(crate) fn read_classes(
    metric: &'static str,
    real: &Features,
    labels: &[usize],
    generated: &Features,
) -> Result<Vec<usize>, MetricError> {
    check_labels(metric, "labels", labels, real)?;
    Ok(closest(generated, real)?.into_iter().map(|(row, _)| labels[row]).collect())
}

/// One label a row.
pub(crate) fn check_labels(
    metric: &'static str,
    option: &'static str,
    labels: &[usize],
    of: &Features,
) -> Result<(), MetricError> {
    if labels.len() == of.rows() {
        return Ok(());
    }
    Err(MetricError::Option {
        metric,
        option,
        expected: format!("one an example ({})", of.rows()),
        got: labels.len().to_string(),
    })
}

fn shares(labels: &[usize], classes: usize) -> Vec<f64> {
    let mut counts = vec![0usize; classes];
    labels.iter().for_each(|&l| counts[l] += 1);
    counts.into_iter().map(|c| c as f64 / labels.len().max(1) as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[f64]) -> Features {
        Features::new(values.to_vec(), values.len(), 1).unwrap()
    }

    #[test]
    fn a_class_that_is_never_made_has_no_share() {
        let (real, generated) = (line(&[0.0, 5.0, 9.0, 9.5]), line(&[0.1, 0.2, 9.1]));
        let shares = class_shares(&real, &[0, 1, 3, 3], &generated, None).unwrap();
        assert_eq!(shares.real, [0.25, 0.25, 0.0, 0.5]);
        assert_eq!(shares.generated, [2.0 / 3.0, 0.0, 0.0, 1.0 / 3.0]);
        assert_eq!(shares.agreement, None);
        // |1/4 - 2/3| + |1/4| + |1/2 - 1/3|, halved.
        assert!((shares.total_variation() - 5.0 / 12.0).abs() < 1e-15);
        let report = shares.report(&real, &generated, &[]);
        assert_eq!(report.get("share_3"), Some(1.0 / 3.0));
        assert_eq!(report.get("class_agreement"), None);
    }

    #[test]
    fn a_class_may_be_asked_for_that_no_real_example_has() {
        let (real, generated) = (line(&[0.0, 5.0]), line(&[0.1, 5.1]));
        let shares = class_shares(&real, &[0, 1], &generated, Some(&[0, 7])).unwrap();
        assert_eq!((shares.classes(), shares.agreement), (8, Some(0.5)));
    }

    #[test]
    fn labels_that_do_not_fit_are_refused() {
        let (real, generated) = (line(&[0.0, 5.0]), line(&[0.1]));
        let few = class_shares(&real, &[0], &generated, None).unwrap_err();
        assert_eq!(few.to_string(), "classes: `labels` must be one an example (2), got 1");
        let many = class_shares(&real, &[0, 1], &generated, Some(&[0, 1])).unwrap_err();
        assert_eq!(many.to_string(), "classes: `asked` must be one an example (1), got 2");
    }
}

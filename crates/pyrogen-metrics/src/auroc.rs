//! How well a score separates two groups.

use crate::MetricError;

const METRIC: &str = "auroc";

/// The area under the ROC curve: the probability that a positive example has a higher score than a
/// negative one. 1 is perfect, 0.5 is guessing.
///
/// ```text
/// auroc = (pairs with positive > negative + 0.5 pairs with equal scores) / all pairs
/// ```
///
/// # Numerics
/// Pairs are counted by ranks in `O(n log n)`; counts are exact up to 2^53 pairs. Scores may be
/// infinite.
///
/// # Errors
/// No score in one of the groups, or a score that is NaN.
///
/// # References
/// Mann and Whitney (1947), "On a Test of Whether one of Two Random Variables is Stochastically
/// Larger than the Other": the statistic `U` divided by the number of pairs. Hanley and McNeil
/// (1982), "The Meaning and Use of the Area under a Receiver Operating Characteristic (ROC) Curve".
///
/// ```
/// use pyrogen_metrics::auroc;
///
/// // Of the six pairs four are in order and one is a tie.
/// assert_eq!(auroc(&[0.9, 0.5], &[0.1, 0.5, 0.7])?, 4.5 / 6.0);
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
pub fn auroc(positive: &[f64], negative: &[f64]) -> Result<f64, MetricError> {
    for (set, scores) in [("positive", positive), ("negative", negative)] {
        check_numbers(METRIC, set, scores)?;
    }
    let mut scores: Vec<(f64, bool)> = positive.iter().map(|&s| (s, true)).collect();
    scores.extend(negative.iter().map(|&s| (s, false)));
    scores.sort_by(|a, b| a.0.partial_cmp(&b.0).expect("no NaN"));
    // From the lowest score up, so that all negatives below a group of equal scores are counted.
    let (mut below, mut won) = (0.0, 0.0);
    for equal in scores.chunk_by(|a, b| a.0 == b.0) {
        let positives = equal.iter().filter(|s| s.1).count() as f64;
        let negatives = equal.len() as f64 - positives;
        won += positives * (below + 0.5 * negatives);
        below += negatives;
    }
    Ok(won / (positive.len() as f64 * negative.len() as f64))
}

/// Refuses a group without values or with one that is NaN.
pub(crate) fn check_numbers(
    metric: &'static str,
    set: &'static str,
    values: &[f64],
) -> Result<(), MetricError> {
    if values.is_empty() {
        return Err(MetricError::TooFewRows { metric, set, needed: 1, got: 0 });
    }
    match values.iter().position(|v| v.is_nan()) {
        None => Ok(()),
        Some(index) => Err(MetricError::NotANumber { metric, set, index }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_share_of_ordered_pairs() {
        assert_eq!(auroc(&[2.0, 3.0], &[0.0, 1.0]).unwrap(), 1.0);
        assert_eq!(auroc(&[0.0, 1.0], &[2.0, 3.0]).unwrap(), 0.0);
        assert_eq!(auroc(&[1.0; 4], &[1.0; 9]).unwrap(), 0.5);
        // Equal in spite of the sign, and infinite scores have a place.
        assert_eq!(auroc(&[0.0], &[-0.0]).unwrap(), 0.5);
        assert_eq!(auroc(&[f64::INFINITY], &[f64::NEG_INFINITY, 1.0]).unwrap(), 1.0);
    }

    #[test]
    fn it_says_what_is_wrong() {
        let message = auroc(&[], &[1.0]).unwrap_err().to_string();
        assert_eq!(
            message,
            "auroc: the positive set has 0 rows, needs at least 1; give more samples"
        );
        let message = auroc(&[1.0], &[1.0, f64::NAN]).unwrap_err().to_string();
        assert_eq!(message, "auroc: value 1 of the negative set is NaN; remove or repair it");
    }
}

//! Columns of many categories.

use super::quantiles::{DistributionFunction, RestDistribution, SpikedDistribution};

/// A column of so many categories has an indicator for each.
const ALL: usize = 64;

/// A category of a column of many has an indicator of its own from so many examples on, and from this
/// part of all.
const FEWEST: usize = 10;
const SHARE: usize = 1000;

/// How a column of many categories is represented: the frequent ones as spikes, and which of the rare ones it
/// is by a number, through their counts, so that samples have rare categories at their rate. None where
/// each category has an indicator.
pub(super) fn categories(codes: &[f32], categories: usize) -> Option<SpikedDistribution> {
    if categories <= ALL {
        return None;
    }
    let mut counts = vec![0u64; categories];
    codes.iter().for_each(|&code| counts[code as usize] += 1);
    let floor = FEWEST.max(codes.len() / SHARE) as u64;
    let (frequent, rare): (Vec<usize>, Vec<usize>) =
        (0..categories).partition(|&k| counts[k] >= floor);
    if rare.len() < 2 {
        return None;
    }
    // Categories that only other parts of the data have are as rare as can be.
    let unseen = rare.iter().all(|&k| counts[k] == 0);
    let mut rest = DistributionFunction { values: vec![], below: vec![], upto: vec![] };
    let mut sum = 0;
    for k in rare {
        rest.values.push(k as f32);
        rest.below.push(sum);
        sum += counts[k].max(u64::from(unseen));
        rest.upto.push(sum);
    }
    Some(SpikedDistribution {
        spikes: frequent.into_iter().map(|k| k as f32).collect(),
        missing: false,
        rest: RestDistribution::Counts(rest),
    })
}

/// Every category by a number, through its count; one that only other parts of the data have counts as one
/// example.
pub(super) fn cells(codes: &[f32], categories: usize) -> SpikedDistribution {
    let mut counts = vec![0u64; categories];
    codes.iter().for_each(|&code| counts[code as usize] += 1);
    let mut rest = DistributionFunction { values: vec![], below: vec![], upto: vec![] };
    let mut sum = 0;
    for (k, count) in counts.into_iter().enumerate() {
        rest.values.push(k as f32);
        rest.below.push(sum);
        sum += count.max(1);
        rest.upto.push(sum);
    }
    SpikedDistribution { spikes: vec![], missing: false, rest: RestDistribution::Counts(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::{Preparation, PreparedColumn, Recipe};
    use crate::{Column, ColumnKind, Dataset, TableSchema};
    use pyrogen_core::{Noise, Seed, normal_quantile};

    /// 20 categories of 100 rows, 200 of one row.
    fn data() -> Dataset {
        let frequent = (0..2000).map(|i| (i % 20) as f32);
        let codes: Vec<f32> = frequent.chain((20..220).map(|k| k as f32)).collect();
        let categories = (0..220).map(|k| format!("c{k:03}")).collect();
        let columns = vec![Column::new("town", ColumnKind::Categorical { categories })];
        Dataset::table(codes, TableSchema { columns }, None).unwrap()
    }

    #[test]
    fn rare_categories_come_back_and_are_drawn_at_their_rate() {
        let data = data();
        let recipe = Recipe::suited_to(&data);
        let preparation = Preparation::fit(&recipe, &data).unwrap();
        assert_eq!(preparation.columns(), Some(vec![PreparedColumn::Spiked(20)]));
        let seen = preparation.apply(data.values(), &mut Noise::new(Seed(1)));
        assert_eq!(preparation.inverse(&seen), data.values());
        // A model that has learnt the distribution: normal numbers where no frequent one is.
        let mut samples = Vec::new();
        for i in 0..2000 {
            samples.extend([0.0; 20]);
            samples.extend([1.0, normal_quantile((i as f64 + 0.5) / 2000.0) as f32]);
        }
        let codes = preparation.inverse(&samples);
        for k in 20..220 {
            assert_eq!(codes.iter().filter(|&&c| c == k as f32).count(), 10, "{k}");
        }
    }

    #[test]
    fn few_categories_have_an_indicator_each() {
        assert!(categories(&[0.0, 1.0], 64).is_none());
        let unseen = categories(&[0.0; 100], 70).unwrap();
        assert_eq!(unseen.spikes, [0.0]);
    }
}

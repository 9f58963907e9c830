//! The cells over which a density's categories were spread.

use super::{Preparation, RestDistribution, Step};

impl Preparation {
    /// The cells of each feature of a prepared row: for a category, and for whether a number is missing, that
    /// were spread over the standard normal distribution, the probabilities at which one cell ends and the
    /// next one begins, ascending; none for other features.
    pub fn cells(&self) -> Vec<Option<Vec<f64>>> {
        let mut cells = vec![None; self.layout().width()];
        let columns = self.layout().schema.as_ref().map_or(&[][..], |schema| &schema.columns);
        let categories: Vec<bool> = (0..cells.len())
            .map(|j| columns.get(j).is_some_and(|c| c.kind.categories().is_some()))
            .collect();
        for step in self.steps() {
            cells = step.cells(cells, &categories);
        }
        cells
    }
}

impl Step {
    fn cells(&self, before: Vec<Option<Vec<f64>>>, categories: &[bool]) -> Vec<Option<Vec<f64>>> {
        let after = |(j, cells): (usize, Option<Vec<f64>>)| match self {
            Self::Quantiles(step) => match &step.elements[j] {
                Some(element) if element.has_states() => vec![None; 2],
                Some(element) if categories[j] => vec![edges(&element.rest)],
                _ => vec![cells],
            },
            Self::MissingNumbers(step) if step.elements[j] => vec![None, cells],
            Self::SpreadMissing(step) => match step.counts[j] {
                Some([missing, there]) => {
                    vec![Some(vec![missing as f64 / (missing + there) as f64])]
                }
                None => vec![cells],
            },
            Self::OneHot(step) => vec![cells; step.categories[j].unwrap_or(1)],
            _ => vec![cells],
        };
        before.into_iter().enumerate().flat_map(after).collect()
    }
}

/// Where each cell ends, the last one left out; none where the cells leave gaps.
fn edges(rest: &RestDistribution) -> Option<Vec<f64>> {
    let RestDistribution::Counts(counts) = rest else { return None };
    let total = *counts.upto.last()? as f64;
    let gaps = counts.below.iter().skip(1).zip(&counts.upto).any(|(below, upto)| below != upto);
    let inner = &counts.upto[..counts.upto.len() - 1];
    (!gaps).then(|| inner.iter().map(|&n| n as f64 / total).collect())
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Noise, Seed, normal_quantile};

    use super::*;
    use crate::prepare::Recipe;
    use crate::{Column, ColumnKind, Dataset, TableSchema};

    /// Counted by hand: prepared rows of a category lie between its edges.
    #[test]
    fn prepared_rows_lie_in_their_cells() {
        let mut noise = Noise::new(Seed(1));
        let z = noise.normal_vec(400);
        let row = |i: usize| {
            let pay = if i.is_multiple_of(4) { f64::NAN } else { z[i] };
            [(i % 10).min(2) as f64, pay, (i % 7) as f64, z[399 - i]].map(|v| v as f32)
        };
        let sizes = ["big", "mid", "small"].map(String::from).to_vec();
        let mut columns = vec![
            Column::new("size", ColumnKind::Categorical { categories: sizes }),
            Column::new("pay", ColumnKind::Continuous),
            Column::new("rooms", ColumnKind::Integer),
            Column::new("height", ColumnKind::Continuous),
        ];
        columns[1].blanks = vec!["NA".into()];
        let values: Vec<f32> = (0..400).flat_map(row).collect();
        let data = Dataset::table(values, TableSchema { columns }, None).unwrap();
        let preparation = Preparation::fit(&Recipe::Spread, &data).unwrap();
        let cells = preparation.cells();
        // The size, whether there is a pay, the pay, the rooms and the height.
        assert_eq!(cells, [Some(vec![0.1, 0.2]), Some(vec![0.25]), None, None, None]);
        assert_eq!(cells.len(), preparation.features().len());
        let seen = preparation.apply(data.values(), &mut Noise::new(Seed(2)));
        for (raw, seen) in data.values().chunks(4).zip(seen.chunks(5)) {
            let size =
                [0.1, 0.2].iter().filter(|&&p| f64::from(seen[0]) > normal_quantile(p)).count();
            assert_eq!(size, raw[0] as usize);
            assert_eq!(raw[1].is_nan(), f64::from(seen[1]) < normal_quantile(0.25));
        }
    }
}

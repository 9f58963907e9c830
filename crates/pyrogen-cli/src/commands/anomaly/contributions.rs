//! Which columns make a row unusual.

use pyrogen::data::{Column, Data, Dataset, Layout};
use pyrogen::{Control, Model, Request};
use serde::Serialize;

use crate::error::CliError;

/// How much less unusual a row would be if a column were ordinary.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contribution {
    /// The column.
    pub column: String,
    /// The gain: in nats, or in units of the anomaly score.
    pub value: f64,
}

/// What rows were ranked by.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// One an item.
    pub values: &'a [f64],
    /// The model's entropy, where the values are distances from it.
    pub entropy: Option<f64>,
}

/// For each of some rows the columns, the one that contributes most first: how much the row gains when
/// the column has its median, or its most frequent category, in the place of its own value. Empty for
/// data other than tables and points of two columns or more.
///
/// The columns are looked at one by one: where two contradict each other, each of them contributes.
pub fn contributions(
    model: &Model,
    data: &Data,
    rows: &[usize],
    scored: Scored,
    request: &Request,
    control: &Control,
) -> Result<Vec<Vec<Contribution>>, CliError> {
    let (Data::Table(_) | Data::Points(_), Some(all)) = (data, data.dataset()) else {
        return Ok(Vec::new());
    };
    let width = all.width();
    if width < 2 || rows.is_empty() {
        return Ok(Vec::new());
    }
    let typical = typical(&all);
    let mut values = Vec::with_capacity(rows.len() * width * width);
    for &row in rows {
        for (j, ordinary) in typical.iter().enumerate() {
            values.extend_from_slice(all.row(row));
            let at = values.len() - width + j;
            values[at] = *ordinary;
        }
    }
    let repeated = |l: &[u32]| rows.iter().flat_map(|&r| vec![l[r]; width]).collect::<Vec<u32>>();
    let labels = all.labels().map(repeated);
    let changed = Data::from_dataset(Dataset::from_rows(values, labels, all.layout().clone())?);
    // More is more unusual.
    let (sign, changed) = match (&model.can().rank, scored.entropy) {
        (Some(rank), _) => (1.0, rank.rank(&changed, request, control)?.scores),
        (None, entropy) => {
            let nats = model.score(&changed, request, control)?.nats().to_vec();
            match entropy {
                Some(entropy) => (1.0, super::typicality::scores(&nats, entropy)),
                None => (-1.0, nats),
            }
        }
    };
    let names = names(all.layout());
    let of = |(k, &row): (usize, &usize)| {
        let gain = |j: usize| sign * (scored.values[row] - changed[k * width + j]);
        let mut list: Vec<Contribution> = (0..width)
            .map(|j| Contribution { column: names[j].clone(), value: gain(j) })
            .filter(|c| c.value.is_finite() && c.value > 0.0)
            .collect();
        list.sort_by(|a, b| b.value.total_cmp(&a.value));
        list
    };
    Ok(rows.iter().enumerate().map(of).collect())
}

fn names(layout: &Layout) -> Vec<String> {
    match &layout.schema {
        Some(schema) => schema.columns.iter().map(|c| c.name.clone()).collect(),
        None => (0..layout.width()).map(|j| format!("x{j}")).collect(),
    }
}

/// The median of each column of numbers, the most frequent value of one of categories.
fn typical(all: &Dataset) -> Vec<f32> {
    let width = all.width();
    let columns: Option<&[Column]> = all.schema().map(|schema| &schema.columns[..]);
    (0..width)
        .map(|j| {
            let mut cells: Vec<f32> = all.values().iter().skip(j).step_by(width).copied().collect();
            cells.retain(|v| !v.is_nan());
            cells.sort_by(f32::total_cmp);
            let categories = columns.is_some_and(|c| c[j].kind.categories().is_some());
            match categories {
                true => most_frequent(&cells),
                false => cells.get(cells.len() / 2).copied().unwrap_or(f32::NAN),
            }
        })
        .collect()
}

/// The value that occurs most often among sorted ones; the smallest of several.
fn most_frequent(sorted: &[f32]) -> f32 {
    let mut best = (0, f32::NAN);
    for run in sorted.chunk_by(|a, b| a == b) {
        if run.len() > best.0 {
            best = (run.len(), run[0]);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_the_most_frequent() {
        let rows = vec![1.0, 5.0, 2.0, 7.0, 100.0, 5.0];
        let all = Dataset::from_parts(rows, vec![2], None).unwrap();
        assert_eq!(typical(&all), [2.0, 5.0]);
        assert_eq!(most_frequent(&[1.0, 2.0, 2.0, 3.0, 3.0]), 2.0);
        assert!(most_frequent(&[]).is_nan());
    }
}

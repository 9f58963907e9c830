//! Which columns of a row, or places of a picture, make it unusual.

use pyrogen::core::Seed;
use pyrogen::data::{Column, Data, Dataset, Layout};
use pyrogen::{Control, Model, Request};
use serde::Serialize;

use crate::error::CliError;

/// How much less unusual an item would be if a part of it were ordinary.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contribution {
    /// The column, or the place in a picture.
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

/// For each of some items its parts, the one that contributes most first: how much the item gains when the part
/// is ordinary. A part is a column of a table or of points of two columns or more, which then has its median
/// or most frequent category; or, where `places` is true, a square of a picture, which then has the mean of the
/// pictures. Empty for other data.
///
/// The parts are looked at one by one: where two contradict each other, each of them contributes.
pub fn contributions(
    model: &Model,
    data: &Data,
    rows: &[usize],
    scored: Scored,
    places: bool,
    request: &Request,
    control: &Control,
) -> Result<Vec<Vec<Contribution>>, CliError> {
    let pictures = matches!(data, Data::Pictures(_));
    if rows.is_empty() || (pictures && !places) {
        return Ok(Vec::new());
    }
    let Some(all) = data.raw_rows() else { return Ok(Vec::new()) };
    let layout = all.layout();
    let (parts, ordinary) = match pictures {
        true => (squares(layout), mean(data, request.seed)?),
        false => (columns(layout), typical(&all.to_dataset()?)),
    };
    if parts.len() < 2 {
        return Ok(Vec::new());
    }
    let mut values = Vec::with_capacity(rows.len() * parts.len() * layout.width());
    for &row in rows {
        for (_, elements) in &parts {
            let start = values.len();
            all.read(&[row], &mut values)?;
            elements.iter().for_each(|&j| values[start + j] = ordinary[j]);
        }
    }
    let count = parts.len();
    let repeated = |l: &[u32]| rows.iter().flat_map(|&r| vec![l[r]; count]).collect::<Vec<u32>>();
    let labels = all.labels().map(repeated);
    let changed = Data::from_dataset(Dataset::from_rows(values, labels, layout.clone())?);
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
    let of = |(k, &row): (usize, &usize)| {
        let gain = |j: usize| sign * (scored.values[row] - changed[k * count + j]);
        let mut list: Vec<Contribution> = (0..count)
            .map(|j| Contribution { column: parts[j].0.clone(), value: gain(j) })
            .filter(|c| c.value.is_finite() && c.value > 0.0)
            .collect();
        list.sort_by(|a, b| b.value.total_cmp(&a.value));
        list
    };
    Ok(rows.iter().enumerate().map(of).collect())
}

/// A part of an item: its name and its elements.
type Part = (String, Vec<usize>);

/// Each column.
fn columns(layout: &Layout) -> Vec<Part> {
    let name = |j: usize| match &layout.schema {
        Some(schema) => schema.columns[j].name.clone(),
        None => format!("x{j}"),
    };
    (0..layout.width()).map(|j| (name(j), vec![j])).collect()
}

/// Squares along a side of a picture at most.
const SQUARES: usize = 8;

/// Squares of a picture, with all of its channels.
fn squares(layout: &Layout) -> Vec<Part> {
    let [channels, h, w] = layout.event[..] else { return Vec::new() };
    let side = h.max(w).div_ceil(SQUARES);
    let mut parts = Vec::new();
    for top in (0..h).step_by(side) {
        for left in (0..w).step_by(side) {
            let (bottom, right) = ((top + side).min(h), (left + side).min(w));
            let inside = |c: usize| {
                (top..bottom).flat_map(move |y| (left..right).map(move |x| (c * h + y) * w + x))
            };
            let name = match side {
                1 => format!("row {top} column {left}"),
                _ => format!("rows {top}-{} columns {left}-{}", bottom - 1, right - 1),
            };
            parts.push((name, (0..channels).flat_map(inside).collect()));
        }
    }
    parts
}

/// Pictures that the mean is taken of.
const MEAN_OF: usize = 500;

/// The mean picture, in levels where the pictures have levels.
fn mean(data: &Data, seed: Seed) -> Result<Vec<f32>, CliError> {
    let some = data.take_random(MEAN_OF, seed);
    let Some(rows) = some.raw_rows() else { return Ok(Vec::new()) };
    let mut sums = vec![0.0f64; rows.width()];
    rows.each(&mut |values| {
        for row in values.chunks_exact(sums.len()) {
            sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += f64::from(*v));
        }
    })?;
    let whole = rows.levels().is_some();
    let mean = |sum: f64| (sum / rows.len() as f64) as f32;
    Ok(sums.into_iter().map(mean).map(|v| if whole { v.round() } else { v }).collect())
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
    fn squares_cover_a_picture_once() {
        for event in [[1, 8, 8], [3, 20, 13], [2, 1, 3]] {
            let layout = Layout { event: event.to_vec(), ..Layout::default() };
            let mut all: Vec<usize> = squares(&layout).into_iter().flat_map(|p| p.1).collect();
            all.sort_unstable();
            assert_eq!(all, (0..layout.width()).collect::<Vec<_>>());
        }
        let layout = Layout { event: vec![3, 20, 13], ..Layout::default() };
        let (name, elements) = &squares(&layout)[1];
        assert_eq!(name, "rows 0-2 columns 3-5");
        assert_eq!(elements[..4], [3, 4, 5, 16]);
    }

    #[test]
    fn medians_and_the_most_frequent() {
        let rows = vec![1.0, 5.0, 2.0, 7.0, 100.0, 5.0];
        let all = Dataset::from_parts(rows, vec![2], None).unwrap();
        assert_eq!(typical(&all), [2.0, 5.0]);
        assert_eq!(most_frequent(&[1.0, 2.0, 2.0, 3.0, 3.0]), 2.0);
        assert!(most_frequent(&[]).is_nan());
    }
}

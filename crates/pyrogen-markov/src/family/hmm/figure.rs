//! A picture of a decoded series: what was seen, above the states that it is read as.

use pyrogen_data::Data;
use pyrogen_model::drawing::{Anchor, Drawing, colour};
use pyrogen_model::{Error, Figure};

use super::can::Regimes;
use super::{named, saved};

/// Size of the picture's panels, and the space beside and below them.
const WIDTH: f64 = 760.0;
const PANEL: f64 = 130.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const GAP: f64 = 24.0;

/// Columns that are drawn, one below the other.
const PANELS: usize = 4;
/// Steps that are drawn: more than pixels say nothing.
const STEPS: usize = 1_000;

/// The first of the longest sequences above its most probable states; none where no sequence has two
/// steps.
pub(super) fn decoded(model: &Regimes, data: &Data) -> Result<Option<Figure>, Error> {
    let (own, sequences) = (&model.0.model, saved::sequences(data)?);
    let lengths = sequences.lengths();
    let Some(longest) = lengths.iter().copied().max().filter(|t| *t >= 2) else {
        return Ok(None);
    };
    let item = lengths.iter().position(|t| *t == longest).expect("the longest is one of them");
    // The longest alone is decoded; the states of its first steps are those of the whole.
    let alone = model.read(&data.select(&[item]))?;
    let path = own.viterbi(&alone).map_err(named)?.remove(0).states;
    let steps = longest.min(STEPS);
    let names = &model.0.columns.names;
    let mut panels = Vec::new();
    for name in names.iter().take(PANELS) {
        let column = sequences.columns().iter().position(|c| c == name).unwrap_or(0);
        let width = sequences.columns().len();
        let values = sequences.sequence(item).iter().skip(column).step_by(width);
        panels.push((name.as_str(), values.take(steps).copied().collect::<Vec<f64>>()));
    }
    let picture = draw(&panels, &path[..steps], own.states());
    let which = match (lengths.len(), longest > steps) {
        (1, false) => "The series".to_string(),
        (1, true) => format!("The first {steps} of {longest} steps"),
        (_, false) => format!("Sequence {}, the longest", item + 1),
        (_, true) => format!("The first {steps} of {longest} steps of sequence {}", item + 1),
    };
    let more = match names.len() > PANELS {
        true => format!(" ({PANELS} of {} columns)", names.len()),
        false => String::new(),
    };
    let caption = format!("{which}{more} on the states of the most probable path");
    Ok(Some(picture.figure("decoded_path", caption)))
}

fn draw(panels: &[(&str, Vec<f64>)], path: &[usize], states: usize) -> Drawing {
    let steps = path.len();
    let height = GAP + panels.len() as f64 * (PANEL + GAP) + GAP;
    let x = |t: f64| LEFT + t / steps as f64 * (WIDTH - LEFT - RIGHT);
    let mut picture = Drawing::new(WIDTH, height);
    for (row, (name, values)) in panels.iter().enumerate() {
        let top = GAP + row as f64 * (PANEL + GAP);
        for (from, to, state) in runs(path) {
            let (left, right) = (x(from as f64), x(to as f64));
            picture.rectangle((left, top), (right - left, PANEL), &colour(state, 82));
        }
        let seen = || values.iter().copied().filter(|v| v.is_finite());
        let (low, high) = (seen().fold(f64::INFINITY, f64::min), seen().fold(f64::MIN, f64::max));
        if low <= high {
            let span = if high > low { high - low } else { 1.0 };
            let y = |v: f64| top + PANEL - 6.0 - (v - low) / span * (PANEL - 12.0);
            for part in observed(values) {
                let at = |(t, v): &(usize, f64)| (x(*t as f64 + 0.5), y(*v));
                picture.line(&part.iter().map(at).collect::<Vec<_>>(), "#222222");
            }
            picture.text((LEFT - 6.0, top + 14.0), Anchor::End, &short(high));
            picture.text((LEFT - 6.0, top + PANEL - 4.0), Anchor::End, &short(low));
        }
        picture.text((LEFT, top - 6.0), Anchor::Start, name);
    }
    let below = height - GAP + 4.0;
    for state in 0..states.min(10) {
        let left = LEFT + 66.0 * state as f64;
        picture.rectangle((left, below - 10.0), (12.0, 12.0), &colour(state, 82));
        picture.text((left + 16.0, below), Anchor::Start, &format!("state {}", state + 1));
    }
    picture
}

/// Runs of one state: first step, the step after the last, state.
fn runs(path: &[usize]) -> Vec<(usize, usize, usize)> {
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    for (t, &state) in path.iter().enumerate() {
        match runs.last_mut() {
            Some((_, to, last)) if *last == state => *to = t + 1,
            _ => runs.push((t, t + 1, state)),
        }
    }
    runs
}

/// The parts of a series between its missing values.
fn observed(values: &[f64]) -> Vec<Vec<(usize, f64)>> {
    let mut parts = vec![Vec::new()];
    for (t, &value) in values.iter().enumerate() {
        match value.is_finite() {
            true => parts.last_mut().expect("there is one").push((t, value)),
            false if !parts.last().expect("there is one").is_empty() => parts.push(Vec::new()),
            false => {}
        }
    }
    parts
}

/// A number of at most some six characters.
fn short(value: f64) -> String {
    let size = value.abs();
    match size {
        s if s != 0.0 && !(1e-3..1e5).contains(&s) => format!("{value:.1e}"),
        s if s >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_gaps_are_found() {
        assert_eq!(runs(&[1, 1, 0, 2, 2]), [(0, 2, 1), (2, 3, 0), (3, 5, 2)]);
        let nan = f64::NAN;
        let parts = observed(&[nan, 1.0, 2.0, nan, nan, 3.0, nan]);
        assert_eq!(parts, vec![vec![(1, 1.0), (2, 2.0)], vec![(5, 3.0)], vec![]]);
    }

    #[test]
    fn the_bands_are_the_path() {
        let picture = draw(&[("a", vec![1.0, 2.0, 5.0, 4.0])], &[0, 0, 1, 1], 2);
        let svg = picture.figure("x", String::new()).svg;
        // Half of 670 pixels each, from 70 on.
        let (first, second) = (colour(0, 82), colour(1, 82));
        assert!(svg.contains(&format!(
            r#"<rect x="70.00" y="24.00" width="335.00" height="130.00" fill="{first}"/>"#
        )));
        assert!(svg.contains(&format!(
            r#"<rect x="405.00" y="24.00" width="335.00" height="130.00" fill="{second}"/>"#
        )));
        // The smallest value at the bottom, the largest at the top.
        assert!(svg.contains(r#"points="153.8,148.0 321.2,118.5 488.8,30.0 656.2,59.5""#), "{svg}");
    }
}

//! A collapsed component takes half of another one.

use pyrogen_core::{Noise, Seed};

use crate::factors::Covariance;
use crate::matrix::eigen;
use crate::mixture::Parameters;
use crate::moments::Moments;
use crate::{Mixture, MixtureError};

/// How far the halves' means are from the donor's, in standard deviations along its longest axis.
const APART: f64 = 0.5;

/// Replaces component `lost` by half of the heaviest other one; which that was. None where there is
/// no other.
pub(crate) fn split(
    mixture: &Mixture,
    lost: usize,
    moments: &Moments,
    step: u64,
) -> Result<Option<(Mixture, usize)>, MixtureError> {
    let weights = mixture.weights();
    let others = (0..weights.len()).filter(|c| *c != lost);
    let Some(donor) = others.max_by(|&a, &b| weights[a].total_cmp(&weights[b]).then(b.cmp(&a)))
    else {
        return Ok(None);
    };
    let d = mixture.columns();
    let mut parts: Parameters = mixture.parts().clone();
    parts.weights[donor] *= 0.5;
    parts.weights[lost] = parts.weights[donor];
    // The lost component's rows go to all.
    let sum: f64 = parts.weights.iter().sum();
    parts.weights.iter_mut().for_each(|w| *w /= sum);
    let axis = longest_axis(mixture, donor, moments);
    for (j, step) in axis.iter().enumerate() {
        let mean = parts.means[donor * d + j];
        parts.means[donor * d + j] = mean + APART * step;
        parts.means[lost * d + j] = mean - APART * step;
    }
    let size = parts.covariances.len() / weights.len();
    parts.covariances.copy_within(donor * size..(donor + 1) * size, lost * size);
    let levels = parts.probabilities.len() / weights.len();
    if levels > 0 {
        tilt(&mut parts, donor, lost, levels, step);
    }
    Ok(Some((Mixture::from_parameters(parts)?, donor)))
}

/// One standard deviation along the axis in which a component is longest, columns being measured by
/// their own standard deviations where it has no axes of its own.
fn longest_axis(mixture: &Mixture, c: usize, moments: &Moments) -> Vec<f64> {
    let d = mixture.columns();
    if d == 0 {
        return Vec::new();
    }
    match mixture.components.covariance(c) {
        Covariance::Dense(a) => {
            let (values, q) = eigen(a, d);
            let length = values[0].max(0.0).sqrt();
            (0..d).map(|i| length * q[i * d]).collect()
        }
        Covariance::Diagonal(a) => {
            let part = |j: &usize| a[*j] / moments.variances[*j].max(f64::MIN_POSITIVE);
            let longest = (0..d).max_by(|i, j| part(i).total_cmp(&part(j))).unwrap_or(0);
            (0..d).map(|j| if j == longest { a[j].sqrt() } else { 0.0 }).collect()
        }
    }
}

/// Gives the lost component the donor's probabilities, each changed by up to a half: equal ones
/// would stay equal for ever.
fn tilt(parts: &mut Parameters, donor: usize, lost: usize, levels: usize, step: u64) {
    let mut noise = Noise::new(Seed(step)).fork("split").fork_index(lost as u64);
    let draws = noise.uniform_vec(levels);
    let mut place = 0;
    for count in &parts.levels {
        let count = *count as usize;
        let tilted: Vec<f64> = (place..place + count)
            .map(|l| parts.probabilities[donor * levels + l] * (0.5 + draws[l]))
            .collect();
        let sum: f64 = tilted.iter().sum();
        for (l, p) in tilted.iter().enumerate() {
            parts.probabilities[lost * levels + place + l] = p / sum;
        }
        place += count;
    }
}

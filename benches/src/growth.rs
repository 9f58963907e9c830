//! Rows whose sizes are chosen: how their cost grows.

use crate::workload::{Plan, Workload};
use crate::{markov, mixture, topics, vae};

/// A row at sizes of its own, `ROW:NUMBER,NUMBER,...`; none where `name` has no sizes.
///
/// # Errors
/// A row without sizes, numbers that are missing or too small.
pub fn build(name: &str, plan: Plan) -> Option<Result<Box<dyn Workload>, String>> {
    let (row, text) = name.split_once(':')?;
    Some(match row {
        "conv_vae" => {
            sizes(text, "BATCH,SIDE,WIDTH", [2, 4, 1]).map(|sizes| vae::grown(plan, sizes))
        }
        "gmm_step" => sizes(text, "ROWS,COLUMNS,COMPONENTS", [2, 1, 1])
            .map(|sizes| mixture::grown(plan, sizes)),
        "hmm_step" => {
            sizes(text, "STEPS,COLUMNS,STATES", [2, 1, 1]).map(|sizes| markov::grown(plan, sizes))
        }
        "lda_gibbs" => {
            sizes(text, "DOCUMENTS,TOPICS", [2, 2]).map(|sizes| topics::grown(plan, sizes))
        }
        row => Err(format!("the row {row} has one size")),
    })
}

fn sizes<const N: usize>(text: &str, names: &str, least: [usize; N]) -> Result<[usize; N], String> {
    let numbers: Result<Vec<usize>, _> = text.split(',').map(str::parse).collect();
    let numbers = numbers.ok().and_then(|numbers| <[usize; N]>::try_from(numbers).ok());
    numbers
        .filter(|numbers| numbers.iter().zip(&least).all(|(n, least)| n >= least))
        .ok_or_else(|| format!("{text} is not {names}: at least {least:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;

    const TINY: Plan = Plan { size: Size::Tiny, workers: 2 };

    #[test]
    fn sizes_are_numbers_that_are_large_enough() {
        for wrong in ["", "8", "8,12", "8,12,4,1", "1,12,4", "8,2,4", "8,12,0", "a,12,4"] {
            assert!(build(&format!("conv_vae:{wrong}"), TINY).unwrap().is_err(), "{wrong}");
        }
        assert!(build("adam:3", TINY).unwrap().is_err());
        assert!(build("adam", TINY).is_none());
        for right in ["gmm_step:60,3,2", "hmm_step:70,2,3", "lda_gibbs:20,4"] {
            let value = build(right, TINY).unwrap().expect(right).run();
            assert!(value.is_finite(), "{right}: {value}");
        }
    }

    #[test]
    fn a_grown_step_has_a_larger_loss_to_lower() {
        // An untrained Bernoulli decoder costs about ln 2 a pixel.
        for side in [4, 8, 12] {
            let loss = vae::grown(TINY, [4, side, 2]).run();
            let a_pixel = loss / (side * side) as f64;
            assert!((0.5..1.5).contains(&a_pixel), "{side}: {a_pixel}");
        }
    }
}

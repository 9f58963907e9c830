//! Rows whose sizes are chosen: how their cost grows.

use crate::workload::{Plan, Workload};
use crate::{dcgan, diffusion, language, markov, matmul, mixture, parts, topics, vae};

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
        "vae" => sizes(text, "BATCH", [2]).map(|[batch]| vae::dense_of(plan, batch)),
        "dcgan" => sizes(text, "BATCH,WIDTH", [2, 1]).map(|sizes| dcgan::grown(plan, sizes)),
        "matmul" => sizes(text, "SIDE", [1]).map(|[side]| matmul::grown(side)),
        "diffusion_train" => {
            sizes(text, "BATCH,SIDE,WIDTH", [2, 4, 2]).map(|sizes| diffusion::train(plan, sizes))
        }
        "diffusion_sample" => sizes(text, "PICTURES,SIDE,WIDTH", [1, 4, 2])
            .map(|sizes| diffusion::sample(plan, sizes)),
        "language_train" => {
            sizes(text, "BATCH,LAYERS,WIDTH", [1, 1, 8]).map(|sizes| language::train(plan, sizes))
        }
        "language_write" => {
            sizes(text, "TEXTS,LAYERS,WIDTH", [1, 1, 8]).map(|sizes| language::write(plan, sizes))
        }
        "part_conv" => sizes(text, "BATCH,CHANNELS,SIDE", [1, 1, 3]).map(parts::convolution),
        "part_group_norm" => sizes(text, "BATCH,CHANNELS,SIDE", [1, 1, 1]).map(parts::group_norm),
        "part_layer_norm" => sizes(text, "ROWS,WIDTH", [1, 1]).map(parts::layer_norm),
        "part_linear" => sizes(text, "ROWS,IN,OUT", [1, 1, 1]).map(parts::linear),
        "part_attention" => sizes(text, "BATCH,HEADS,LENGTH", [1, 1, 1]).map(parts::attention),
        "part_entropy" => sizes(text, "ROWS,CLASSES", [1, 2]).map(parts::entropy),
        "part_half" => sizes(text, "SIDE", [1]).map(parts::half),
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
        for right in [
            "gmm_step:60,3,2",
            "hmm_step:70,2,3",
            "lda_gibbs:20,4",
            "vae:6",
            "dcgan:4,4",
            "matmul:8",
            "diffusion_train:4,8,4",
            "diffusion_sample:2,8,4",
            "language_train:2,1,8",
            "language_write:2,1,8",
            "part_conv:2,3,4",
            "part_group_norm:2,4,3",
            "part_layer_norm:3,5",
            "part_linear:3,4,5",
            "part_attention:2,2,5",
            "part_entropy:4,6",
        ] {
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

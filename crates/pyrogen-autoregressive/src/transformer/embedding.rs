//! Tokens and places as vectors.

use burn::module::Param;
use burn::tensor::{Int, Tensor, TensorData};
use pyrogen_nn::ops::Rotation;

use super::config::{GptConfig, Positions};
use crate::Packed;
use crate::batch::int_tensor;

/// The longest wavelength of sinusoidal places is `2 pi BASE`.
const BASE: f64 = 10_000.0;

/// The vectors of tokens, rows of a table: `[rows, places, width]`.
pub(super) fn rows(table: &Param<Tensor<2>>, tokens: &Packed) -> Tensor<3> {
    let ([_, width], device) = (table.dims(), table.device());
    let shape = [tokens.rows(), tokens.places(), width];
    let index = tokens.tensor(&device).reshape([shape[0] * shape[1]]);
    table.val().select(0, index).reshape(shape)
}

impl GptConfig {
    /// The vectors of tokens, with their places where these are added: `[rows, places, width]`.
    pub(crate) fn embed(
        &self,
        table: &Param<Tensor<2>>,
        learned: Option<&Param<Tensor<2>>>,
        tokens: &Packed,
        positions: &[u32],
    ) -> Tensor<3> {
        self.with_places(rows(table, tokens), learned, positions)
    }

    /// Vectors of tokens with those of their places, where these are added.
    pub(super) fn with_places(
        &self,
        x: Tensor<3>,
        learned: Option<&Param<Tensor<2>>>,
        positions: &[u32],
    ) -> Tensor<3> {
        let (shape, device) = (x.dims(), x.device());
        let take = |table: Tensor<2>| {
            let index: Tensor<1, Int> = int_tensor(positions, [shape[0] * shape[1]], &device);
            table.select(0, index).reshape(shape)
        };
        match (&self.positions, learned) {
            (Positions::Learned, Some(learned)) => x + take(learned.val()),
            (Positions::Sinusoidal, _) => {
                let count = positions.iter().max().map_or(1, |&last| last as usize + 1);
                let waves = TensorData::new(waves(count, self.width), [count, self.width]);
                x * (self.width as f64).sqrt() + take(Tensor::from_data(waves, &device))
            }
            _ => x,
        }
    }

    /// The angles of each row of places, where they turn queries and keys.
    pub(crate) fn rotation(&self, positions: &[u32]) -> Option<Rotation> {
        let Positions::Rotary(rotary) = &self.positions else { return None };
        let from = positions.iter().copied().min().unwrap_or(0);
        let to = positions.iter().copied().max().unwrap_or(0);
        let frequencies = rotary.frequencies(self.head_width());
        let all = Rotation::new((from..=to).map(f64::from), &frequencies, 1.0);
        Some(all.select(positions.iter().map(|p| (p - from) as usize)))
    }

    /// # Panics
    /// If a token is not within the vocabulary.
    pub(crate) fn check_tokens(&self, tokens: &Packed) {
        let vocabulary = self.vocabulary;
        if let Some(token) = tokens.tokens().iter().find(|&&t| t as usize >= vocabulary) {
            panic!("Gpt: token {token} of {vocabulary}");
        }
    }
}

/// `sin(p / BASE^(i / width))` at even features `i`, and the cosine of the same angle at the next.
fn waves(places: usize, width: usize) -> Vec<f32> {
    let value = |place: usize, i: usize| {
        let angle = place as f64 / BASE.powf((i - i % 2) as f64 / width as f64);
        (if i.is_multiple_of(2) { angle.sin() } else { angle.cos() }) as f32
    };
    (0..places).flat_map(|place| (0..width).map(move |i| value(place, i))).collect()
}

//! Networks in whole numbers of eight bits.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use pyrogen_autoregressive::{DecodeSettings, Decoder, Gpt, Int8Gpt};

use super::*;

/// The two networks have the same weights, and add up their products in another order.
const SAME: f64 = 1e-5;

/// Each row of a matrix in 255 equal steps of its own, by tensor operations.
fn in_steps(rows: Tensor<2>) -> Tensor<2> {
    let step = rows.clone().abs().max_dim(1) / 127.0;
    (rows / step.clone()).round() * step
}

/// The same for each column of every matrix of a block.
struct Columns;

impl ModuleMapper for Columns {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if D != 2 {
            return param;
        }
        param.map(|x| {
            let dims = x.dims();
            let columns = x.reshape([dims[0], dims[1]]).transpose();
            in_steps(columns).transpose().reshape(dims)
        })
    }
}

/// A network in single precision whose weights are those that eight bits stand for.
fn rounded(network: Gpt) -> Gpt {
    let mut network = network.merged();
    network.tokens = network.tokens.map(in_steps);
    let columns = |x: Tensor<2>| in_steps(x.transpose()).transpose();
    network.head = network.head.map(|head| head.map(columns));
    network.blocks = network.blocks.map(&mut Columns);
    network
}

#[test]
fn logits_are_those_of_the_rounded_weights_and_memory_is_a_quarter() {
    for (name, config) in gpts() {
        let network = gpt(&config);
        let int8 = Int8Gpt::of(network.clone());
        let rows = Packed::new((0..24).map(|i| i * 5 % 7).collect(), 12);
        let (got, plain) = (logits(&int8, &rows), logits(&network, &rows));
        let off = difference(&got, &logits(&rounded(network), &rows));
        assert!(off < SAME, "{name}: {off}");
        assert!(difference(&got, &plain) > 10.0 * SAME, "{name}: as without rounding");
        assert_eq!(int8.config(), &config);
    }
    let config = GptConfig { width: 128, ..gpts().swap_remove(0).1 };
    let int8 = Int8Gpt::of(config.init(Seed(1), &device()).unwrap());
    // Twelve squares of the width a block, and the table.
    let plain = 4 * (2 * 12 * 128 * 128 + 7 * 128);
    let share = int8.bytes() as f64 / plain as f64;
    assert!((0.25..0.27).contains(&share), "{share}");
}

#[test]
fn it_writes_as_any_other_and_no_text_depends_on_those_beside_it() {
    let network = Int8Gpt::of(gpt(&gpts().swap_remove(3).1));
    let model = TextModel::new(network, letters());
    let settings = DecodeSettings { most: 9, ..DecodeSettings::default() };
    let decoder = Decoder::new(&model, settings, Seed(5)).unwrap();
    let all = decoder.complete("ab", 0..7).unwrap();
    assert_eq!(decoder.complete("ab", 4..5).unwrap()[0], all[4]);
    assert_eq!(decoder.complete("ab", 0..3).unwrap(), all[..3]);
}

#[test]
fn adapters_are_added_first() {
    let (_, config) = gpts().swap_remove(0);
    let lora = pyrogen_autoregressive::LoraConfig { rank: 2, alpha: 4.0 };
    let adapted = sharpened(gpt(&config).adapted(lora, Seed(1)).unwrap());
    let rows = Packed::new((0..12).map(|i| i % 7).collect(), 12);
    let got = logits(&Int8Gpt::of(adapted.clone()), &rows);
    let off = difference(&got, &logits(&rounded(adapted), &rows));
    assert!(off < SAME, "{off}");
}

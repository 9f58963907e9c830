//! Networks in whole numbers of eight bits.

use pyrogen_autoregressive::{DecodeSettings, Decoder, Int8Gpt};

use super::*;

/// What rounding of weights leaves of logits of up to about 20: a hundredth of the largest.
const ROUNDED: f64 = 0.03;

#[test]
fn logits_are_close_and_memory_is_a_quarter() {
    for (name, config) in gpts() {
        let network = gpt(&config);
        let int8 = Int8Gpt::of(network.clone());
        let rows = Packed::new((0..24).map(|i| i * 5 % 7).collect(), 12);
        let (got, expected) = (logits(&int8, &rows), logits(&network, &rows));
        let off = difference(&got, &expected);
        assert!(off > 0.0 && off < ROUNDED, "{name}: {off}");
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
    let off = difference(&logits(&Int8Gpt::of(adapted.clone()), &rows), &logits(&adapted, &rows));
    assert!(off < ROUNDED, "{off}");
}

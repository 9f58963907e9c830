//! The workloads do what they are timed for.

use pyrogen_bench::check::{self, values};
use pyrogen_bench::{models, rows};

/// Two shards' gradients are added in another order than one batch's, and Adam divides by small
/// numbers: a few hundred roundings of f32.
const SHARDED: f64 = 1e-4;

#[test]
fn every_row_runs_and_training_lowers_the_loss() {
    check::run().unwrap();
}

#[test]
fn shards_add_up_to_the_batch() {
    // Batch norm sees other batches under sharding, so `dcgan` is not among these.
    for name in ["vae", "conv_vae", "resblock_train", "gpt_train", "lstm_train", "unet_train"] {
        let row = rows().into_iter().find(|row| row.name == name).unwrap();
        let (one, two) = (values(&row, 1, 6), values(&row, 2, 6));
        for (a, b) in one.iter().zip(&two) {
            assert!((a - b).abs() <= SHARDED * a.abs(), "{name}: {one:?} and {two:?}");
        }
    }
}

#[test]
fn runs_repeat() {
    for row in rows().iter().chain(&models::rows()).filter(|row| row.trains) {
        assert_eq!(values(row, 2, 3), values(row, 2, 3), "{}", row.name);
    }
}

//! What Muon takes of language models, and that it learns.

use pyrogen_core::{HiddenMatrix, Objective};
use pyrogen_train::{GradientLearner, Learner, Limits, Method, OptimizerConfig, ProgressMode};
use pyrogen_train::{TrainConfig, Trainer};

use super::*;

fn train(model: GptText, steps: u64, [adams, muons]: [f64; 2]) -> GptText {
    let text: Vec<u32> = (0..300).map(|i| i % 6).collect();
    let windows = pyrogen_autoregressive::TokenWindows::new(&[text], [6, 6], false, 12);
    let config = TrainConfig {
        batch_size: 8,
        limits: Limits { steps: Some(steps), epochs: None, minutes: None },
        optimizer: OptimizerConfig {
            method: Method::Muon,
            learning_rate: adams,
            muon_learning_rate: muons,
            ..OptimizerConfig::default()
        },
        ..TrainConfig::default()
    };
    let dir = tempfile::tempdir().unwrap();
    let learner = GradientLearner::new(model, &config).unwrap();
    let trainer = Trainer::new(config, Seed(1)).unwrap().progress(ProgressMode::Hidden);
    trainer.fit(learner, Arc::new(windows), None, dir.path()).unwrap().learner.model()
}

#[test]
fn blocks_are_taken_with_their_parts() {
    let paths = |model: &GptText| {
        let all = model.hidden_matrices().into_iter();
        all.map(|HiddenMatrix { path, parts }| (path, parts)).collect::<Vec<_>>()
    };
    // SwiGLU, and two of four heads have keys.
    let modern = text_model(&gpts().swap_remove(3).1);
    let hidden = modern.network().blocks[0].wide.weight.dims()[1] / 2;
    let expected: Vec<(String, Vec<usize>)> = (0..2)
        .flat_map(|i| {
            [
                (format!("network.blocks.{i}.qkv.weight"), vec![16, 8, 8]),
                (format!("network.blocks.{i}.projection.weight"), vec![]),
                (format!("network.blocks.{i}.wide.weight"), vec![hidden, hidden]),
                (format!("network.blocks.{i}.narrow.weight"), vec![]),
            ]
        })
        .collect();
    assert_eq!(paths(&modern), expected);
    let old = text_model(&gpts().swap_remove(0).1);
    assert_eq!(paths(&old)[2], ("network.blocks.0.wide.weight".into(), vec![]));
    for (cell, gates) in [(Cell::Lstm, 4), (Cell::Gru, 3)] {
        let model = TextModel::new(recurrent(cell), letters());
        let found = model.hidden_matrices();
        assert_eq!(found.len(), 4);
        assert!(found.iter().all(|m| m.parts == vec![16; gates]), "{found:?}");
    }
}

/// The largest singular value that five steps leave, and a little of the slope of what they start from.
const LONGEST: f64 = 1.3;

#[test]
fn one_step_is_orthogonal_in_blocks_and_adams_elsewhere() {
    let (_, config) = gpts().swap_remove(3);
    let before = text_model(&config);
    let after = train(before.clone(), 1, [1e-3, 0.02]);
    let moved =
        |of: fn(&Gpt) -> burn::tensor::Tensor<2>| of(after.network()) - of(before.network());
    // Queries: a matrix of its own, whose singular values are near 0.02.
    let queries = moved(|gpt| gpt.blocks[1].qkv.weight.val()).narrow(1, 0, 16) / 0.02;
    let squares = pyrogen_testkit::host(queries.clone().square().sum())[0] / 16.0;
    assert!((0.2..LONGEST * LONGEST).contains(&squares), "{squares}");
    let row_sums = queries.clone().matmul(queries.transpose()).square().sum();
    assert!(pyrogen_testkit::host(row_sums)[0] < 16.0 * LONGEST.powi(4));
    // Adam's first step moves each number by its rate.
    let tokens = pyrogen_testkit::host(moved(|gpt| gpt.tokens.val()).abs());
    assert!(
        tokens.iter().all(|&t| t < 1.01e-3) && tokens.iter().any(|&t| t > 0.9e-3),
        "{tokens:?}"
    );
}

#[test]
fn it_learns() {
    let (_, config) = gpts().swap_remove(3);
    let model = GptText::init(&config, letters(), Seed(3), &device()).unwrap();
    let model = train(model, 40, [1e-2, 0.05]);
    let rows = Packed::new((0..12).map(|i| i % 6).collect(), 12);
    let out = model.network().logits(&rows, &Default::default());
    let out = pyrogen_testkit::host(burn::tensor::activation::log_softmax(out, 2));
    // What letter `i` says next.
    let nats: f64 = (0..12).map(|i| -out[i * 7 + (i + 1) % 6]).sum::<f64>() / 12.0;
    assert!(nats < 0.7, "{nats}: a guess costs 1.95");
}

#[test]
fn adapters_are_not_for_muon() {
    let lora = Some(pyrogen_autoregressive::LoraConfig::default());
    let config = GptConfig { lora, ..gpts().swap_remove(0).1 };
    let model = GptText::init(&config, letters(), Seed(3), &device()).unwrap();
    let optimizer = OptimizerConfig { method: Method::Muon, ..OptimizerConfig::default() };
    let config = TrainConfig { optimizer, ..TrainConfig::default() };
    let error = GradientLearner::new(model, &config).err().unwrap().to_string();
    assert!(error.contains("`optimizer.method` must be other than muon"), "{error}");
}

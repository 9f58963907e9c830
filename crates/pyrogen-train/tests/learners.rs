//! The loop drives what is not gradient descent on pictures: sequences of integers, and expectation
//! maximisation. These are the sketches of `docs/DESIGN.md`, small and real: each must learn, and
//! resume exactly. Two players are in `adversarial.rs`.

use std::path::Path;
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use pyrogen_core::folder::{read_json, write_json};
use pyrogen_core::{Examples, Loss, Noise, NumericalError, Objective, Seed, init};
use pyrogen_train::{
    GradientLearner, Learner, Limits, Outcome, Part, ProgressMode, StepContext, TrainConfig,
    TrainError, Trainer, Values,
};

fn steps(steps: u64, batch_size: usize) -> TrainConfig {
    TrainConfig {
        batch_size,
        limits: Limits { epochs: None, steps: Some(steps), minutes: None },
        checkpoint_every: 10,
        ..Default::default()
    }
}

fn fit<L: Learner, E>(
    learner: L,
    config: &TrainConfig,
    data: E,
    folder: &Path,
    resume: bool,
) -> Outcome<L>
where
    L::Batch: 'static,
    E: Examples<Batch = L::Batch> + 'static,
{
    Trainer::new(config.clone(), Seed(3))
        .unwrap()
        .progress(ProgressMode::Hidden)
        .resume(resume)
        .fit(learner, Arc::new(data), None, folder)
        .unwrap()
}

// ---------------------------------------------------------------- sequences of integers

/// Windows of a text as token numbers.
struct Text {
    tokens: Vec<i32>,
    length: usize,
}

impl Examples for Text {
    type Batch = Tensor<2, Int>;

    fn len(&self) -> usize {
        self.tokens.len() - self.length
    }

    fn batch(&self, rows: &[usize], _: &mut Noise, device: &Device) -> Tensor<2, Int> {
        let flat: Vec<i32> =
            rows.iter().flat_map(|&r| self.tokens[r..=r + self.length].to_vec()).collect();
        Tensor::from_data(TensorData::new(flat, [rows.len(), self.length + 1]), device)
    }
}

/// The smallest language model: logits of the next token given the present one.
#[derive(Module, Debug)]
struct Bigram {
    logits: Param<Tensor<2>>,
}

impl Objective for Bigram {
    type Batch = Tensor<2, Int>;
    type Draws = ();

    fn draw(&self, _: &Tensor<2, Int>, _: &mut Noise) {}

    fn loss(&self, batch: Tensor<2, Int>, (): ()) -> Loss {
        let [rows, columns] = batch.dims();
        let count = rows * (columns - 1);
        let present = batch.clone().slice([0..rows, 0..columns - 1]).reshape([count]);
        let next = batch.slice([0..rows, 1..columns]).reshape([count, 1]);
        let log_probs = log_softmax(self.logits.val().select(0, present), 1);
        Loss::new().term("cross_entropy", log_probs.gather(1, next).mean().neg())
    }
}

#[test]
fn sequences_of_integers() {
    // A cycle with a rare slip: after 0 comes 1, after 1 comes 2, after 2 comes 0.
    let text = || {
        let mut noise = Noise::new(Seed(6));
        let mut tokens = vec![0];
        for slip in noise.uniform_vec(400) {
            let last = *tokens.last().unwrap();
            tokens.push(if slip < 0.1 { last } else { (last + 1) % 3 });
        }
        Text { tokens, length: 16 }
    };
    let device = pyrogen_testkit::device();
    let model = || Bigram { logits: init::constant([3, 3], 0.0, &device) };
    let mut config = steps(200, 32);
    config.optimizer.learning_rate = 0.05;
    let dir = tempfile::tempdir().unwrap();
    let learner = || GradientLearner::new(model(), &config).unwrap();
    let whole = fit(learner(), &config, text(), &dir.path().join("a"), false);
    let probs = burn::tensor::activation::softmax(whole.learner.model().logits.val(), 1);
    let probs: Vec<f64> = probs.into_data().iter().collect();
    // The transition table is the closed-form answer: counts of the text, about 0.9 and 0.1.
    for row in 0..3 {
        assert!((probs[row * 3 + (row + 1) % 3] - 0.9).abs() < 0.06, "{probs:?}");
        assert!(probs[row * 3 + (row + 2) % 3] < 0.05, "{probs:?}");
    }

    let cut = dir.path().join("b");
    fit(
        learner(),
        &TrainConfig { limits: steps(70, 32).limits, ..config.clone() },
        text(),
        &cut,
        false,
    );
    let resumed = fit(learner(), &config, text(), &cut, true);
    assert_eq!(crate::common::bytes(&resumed), crate::common::bytes(&whole));
}

// ---------------------------------------------------------------- expectation maximisation

/// A mixture of two normals in one dimension, fitted in closed-form sweeps on the host. One step
/// is one sweep over all data: the batch size is the number of examples.
struct Mixture {
    parameters: [[f64; 3]; 2], // weight, mean, variance
}

impl Mixture {
    fn new() -> Self {
        Self { parameters: [[0.5, -1.0, 1.0], [0.5, 1.0, 1.0]] }
    }

    fn densities(&self, x: f64) -> [f64; 2] {
        self.parameters.map(|[weight, mean, var]| {
            weight * (-(x - mean).powi(2) / (2.0 * var)).exp()
                / (std::f64::consts::TAU * var).sqrt()
        })
    }

    fn mean_log_likelihood(&self, x: &[f64]) -> f64 {
        x.iter().map(|&x| self.densities(x).iter().sum::<f64>().ln()).sum::<f64>() / x.len() as f64
    }
}

struct TwoBumps(Vec<f64>);

impl Examples for TwoBumps {
    type Batch = Vec<f64>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn batch(&self, rows: &[usize], _: &mut Noise, _: &Device) -> Vec<f64> {
        rows.iter().map(|&r| self.0[r]).collect()
    }
}

impl Learner for Mixture {
    type Batch = Vec<f64>;
    type Model = [[f64; 3]; 2];

    fn device(&self) -> Device {
        pyrogen_testkit::device()
    }

    fn update(
        &mut self,
        parts: Vec<Part<Vec<f64>>>,
        c: &StepContext,
    ) -> Result<Values, TrainError> {
        let mut x: Vec<f64> = parts.into_iter().flat_map(|p| p.batch).collect();
        // The rows come shuffled; sums in f64 are made in one order.
        x.sort_by(f64::total_cmp);
        let loss = -self.mean_log_likelihood(&x);
        if !loss.is_finite() {
            return Err(
                NumericalError::Loss { step: c.step, term: "loss".into(), value: loss }.into()
            );
        }
        let share: Vec<[f64; 2]> = x
            .iter()
            .map(|&x| {
                let d = self.densities(x);
                d.map(|v| v / (d[0] + d[1]))
            })
            .collect();
        for k in 0..2 {
            let n: f64 = share.iter().map(|s| s[k]).sum();
            let mean = share.iter().zip(&x).map(|(s, x)| s[k] * x).sum::<f64>() / n;
            let var = share.iter().zip(&x).map(|(s, x)| s[k] * (x - mean).powi(2)).sum::<f64>() / n;
            self.parameters[k] = [n / x.len() as f64, mean, var];
        }
        Ok(vec![("loss".into(), loss)])
    }

    fn validate(&self, batch: Vec<f64>, _: &mut Noise) -> Values {
        vec![("loss".into(), -self.mean_log_likelihood(&batch))]
    }

    fn model(&self) -> [[f64; 3]; 2] {
        self.parameters
    }

    fn save_state(&self, folder: &Path) -> Result<(), TrainError> {
        Ok(write_json(&folder.join("mixture.json"), &self.parameters)?)
    }

    fn load_state(&mut self, folder: &Path) -> Result<(), TrainError> {
        self.parameters = read_json(&folder.join("mixture.json"))?;
        Ok(())
    }
}

#[test]
fn expectation_maximisation() {
    let data = || {
        let draws = Noise::new(Seed(12)).normal_vec(600);
        TwoBumps(
            draws
                .iter()
                .enumerate()
                .map(|(i, v)| if i % 3 == 0 { -2.0 + 0.5 * v } else { 2.0 + 0.8 * v })
                .collect(),
        )
    };
    let config = TrainConfig { log_every: 1, ..steps(30, usize::MAX) };
    let dir = tempfile::tempdir().unwrap();
    let whole = fit(Mixture::new(), &config, data(), &dir.path().join("a"), false);
    let [a, b] = whole.learner.model();
    // 600 draws: the means are known to about 0.8 / sqrt(400) = 0.04.
    assert!((a[1] + 2.0).abs() < 0.15 && (b[1] - 2.0).abs() < 0.15, "{a:?} {b:?}");
    assert!((a[0] - 1.0 / 3.0).abs() < 0.05, "{a:?}");
    let rows = pyrogen_train::metrics_log::read_rows(&dir.path().join("a/metrics.csv")).unwrap();
    let losses: Vec<f64> =
        rows.iter().filter(|r| r.part == "train").map(|r| r.values[0].1).collect();
    assert_eq!(losses.len(), 30);
    // Each sweep of expectation maximisation does not lower the likelihood; the slack is rounding.
    assert!(losses.windows(2).all(|w| w[1] <= w[0] + 1e-12), "{losses:?}");

    let cut = dir.path().join("b");
    fit(
        Mixture::new(),
        &TrainConfig { log_every: 1, ..steps(13, usize::MAX) },
        data(),
        &cut,
        false,
    );
    let resumed = fit(Mixture::new(), &config, data(), &cut, true);
    assert_eq!(resumed.learner.model(), whole.learner.model());
}

//! The language model of `pyrogen-autoregressive` as users train it and write with it, at sizes that
//! fill a card.

use std::sync::Arc;

use pyrogen::autoregressive::{
    DecodeSettings, Decoder, Gpt, GptConfig, GptText, LanguageModel, TextModel, TokenBatch,
    TokenWindows, Tokenizer, TokenizerChoice,
};
use pyrogen::core::{Examples, Seed};
use pyrogen::train::{
    GradientConfig, GradientLearner, Learner, Method, OptimizerConfig, Part, StepContext,
    TrainConfig, WorkerCount,
};

use crate::workload::{Plan, Workload, noise, plain};

/// GPT-2's architecture: heads of 64 features, tied weights.
fn model(plan: Plan, layers: usize, width: usize) -> GptText {
    let config = GptConfig {
        vocabulary: plan.pick(50_304, 300),
        context: plan.pick(1024, 16),
        layers,
        width,
        heads: (width / 64).max(1),
        ..GptConfig::default()
    };
    let network: Gpt = config.init(Seed(1), &plain()).expect("a valid config");
    let bytes = Tokenizer::new::<&str>(TokenizerChoice::Bytes, &[]).expect("bytes");
    TextModel::new(network, Arc::new(bytes))
}

struct Train {
    learner: GradientLearner<GptText>,
    windows: TokenWindows,
    rows: usize,
    step: u64,
}

/// A training step on `batch` full contexts: cross entropy, AdamW.
pub fn train(plan: Plan, [batch, layers, width]: [usize; 3]) -> Box<dyn Workload> {
    let model = model(plan, layers, width);
    let [vocabulary, places] = plan.pick([50_304, 1024], [300, 16]);
    let config = TrainConfig {
        batch_size: batch,
        optimizer: OptimizerConfig {
            method: Method::AdamW,
            beta2: 0.95,
            weight_decay: 0.1,
            ..OptimizerConfig::default()
        },
        gradient: GradientConfig { workers: WorkerCount::Exactly(1), ..GradientConfig::default() },
        ..TrainConfig::default()
    };
    let learner = GradientLearner::new(model, &config).expect("a valid config");
    let words = noise("tokens").uniform_rows(&[batch * (places + 1) + 1]);
    let text = words.iter().map(|u| (u * vocabulary as f64) as u32).collect();
    let windows = TokenWindows::new(&[text], [0, 0], false, places).fixed();
    Box::new(Train { learner, windows, rows: batch, step: 0 })
}

impl Workload for Train {
    fn run(&mut self) -> f64 {
        self.step += 1;
        let rows: Vec<usize> = (0..self.rows).collect();
        let mut noise = noise("language").fork_index(self.step);
        let batch: TokenBatch = self.windows.batch(&rows, &mut noise, &plain());
        let part = Part { batch, rows: 0..self.rows, total: self.rows };
        let context = StepContext {
            step: self.step,
            epoch: 1,
            total_steps: None,
            time: None,
            noise,
            rate: 1.0,
        };
        self.learner.update(vec![part], &context).expect("a finite loss")[0].1
    }
}

/// Texts of so many tokens, side by side.
pub(crate) struct Write<M: LanguageModel> {
    pub(crate) model: TextModel<M>,
    pub(crate) texts: u64,
    pub(crate) tokens: usize,
}

/// `texts` completions of 128 tokens, side by side.
pub fn write(plan: Plan, [texts, layers, width]: [usize; 3]) -> Box<dyn Workload> {
    let model = model(plan, layers, width);
    Box::new(Write { model, texts: texts as u64, tokens: plan.pick(128, 5) })
}

impl<M: LanguageModel> Workload for Write<M> {
    /// The tokens that were written.
    fn run(&mut self) -> f64 {
        let (most, least) = (self.tokens, self.tokens);
        let settings = DecodeSettings { most, least, ..DecodeSettings::default() };
        let decoder = Decoder::new(&self.model, settings, Seed(1)).expect("valid settings");
        let texts = decoder.complete("a", 0..self.texts).expect("finite logits");
        texts.iter().map(|text| text.tokens.len()).sum::<usize>() as f64
    }
}

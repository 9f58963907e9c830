//! The encoder with a decoder of `pyrogen-autoregressive`, as users train it.

use std::sync::Arc;

use pyrogen::autoregressive::{
    Feed, PairExamples, Preset, Seq2SeqConfig, Seq2SeqText, Tokenizer, TokenizerChoice,
};
use pyrogen::core::{Examples, Seed};
use pyrogen::train::{
    GradientConfig, GradientLearner, Learner, Method, OptimizerConfig, Part, StepContext,
    TrainConfig, WorkerCount,
};

use crate::workload::{Plan, Workload, noise, plain};

struct Train {
    learner: GradientLearner<Seq2SeqText>,
    pairs: PairExamples,
    workers: usize,
    step: u64,
}

/// A training step of 64 pairs, each of 31 tokens and an end: cross entropy, AdamW.
pub fn train(plan: Plan) -> Box<dyn Workload> {
    let [layers, heads, width, vocabulary] = plan.pick([3, 4, 256, 64], [1, 2, 16, 12]);
    let [rows, places] = plan.pick([64, 32], [4, 6]);
    let config = Seq2SeqConfig {
        source_vocabulary: vocabulary,
        vocabulary,
        source_context: places,
        context: places,
        encoder_layers: layers,
        layers,
        width,
        heads,
        feed: Feed::Gelu,
        ..Seq2SeqConfig::of(Preset::Gpt2)
    };
    let letters: String =
        (0..vocabulary - 1).filter_map(|i| char::from_u32(0x100 + i as u32)).collect();
    let tokenizer = Tokenizer::new(TokenizerChoice::Characters, &[letters]).expect("letters");
    let (end, tokenizer) = (tokenizer.end(), Arc::new(tokenizer));
    let model = Seq2SeqText::init(&config, [tokenizer.clone(), tokenizer], Seed(1), &plain());
    let gradient =
        GradientConfig { workers: WorkerCount::Exactly(plan.workers), ..GradientConfig::default() };
    let config = TrainConfig {
        batch_size: rows,
        optimizer: OptimizerConfig {
            method: Method::AdamW,
            beta2: 0.95,
            weight_decay: 0.1,
            ..OptimizerConfig::default()
        },
        gradient,
        ..TrainConfig::default()
    };
    let learner = GradientLearner::new(model.expect("a valid config"), &config).expect("the same");
    let words = noise("pairs").uniform_rows(&[2 * rows * (places - 1)]);
    let tokens: Vec<u32> = words.iter().map(|u| (u * f64::from(end)) as u32).collect();
    let mut texts = tokens.chunks(places - 1).map(<[u32]>::to_vec);
    let framed = |text: Vec<u32>| [&text[..], &[end]].concat();
    let sources = texts.by_ref().take(rows).map(framed).collect();
    let targets: Vec<Vec<u32>> = texts.collect();
    let pairs = PairExamples::new(sources, &targets, [end, end]);
    Box::new(Train { learner, pairs, workers: plan.workers, step: 0 })
}

impl Workload for Train {
    fn run(&mut self) -> f64 {
        self.step += 1;
        let (total, mut noise) = (self.pairs.len(), noise("seq2seq").fork_index(self.step));
        let part = |worker: usize, noise: &mut _| {
            let rows = total * worker / self.workers..total * (worker + 1) / self.workers;
            let numbers: Vec<usize> = rows.clone().collect();
            Part { batch: self.pairs.batch(&numbers, noise, &plain()), rows, total }
        };
        let parts = (0..self.workers).map(|worker| part(worker, &mut noise)).collect();
        let context = StepContext {
            step: self.step,
            epoch: 1,
            total_steps: None,
            time: None,
            noise,
            rate: 1.0,
        };
        self.learner.update(parts, &context).expect("a finite loss")[0].1
    }
}

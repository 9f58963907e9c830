//! Hidden Markov models and chains of words.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pyrogen::core::{Noise, Seed};
use pyrogen::markov::Sequences;
use pyrogen::markov::chain::{TextConfig, TextModel, Wish};
use pyrogen::markov::hmm::{
    Covariance, Emission, EmissionConfig, Gaussian, Hmm, HmmConfig, HmmFit,
};

use crate::workload::{Plan, Workload, noise};

/// States and columns of the models.
const STATES: usize = 8;
const WIDTH: usize = 4;

/// What is done with the model.
#[derive(Debug, Clone, Copy)]
enum Task {
    Step,
    Viterbi,
    Score,
}

struct Regimes {
    data: Sequences,
    fit: HmmFit,
    task: Task,
}

fn regimes(task: Task, [steps, width, states]: [usize; 3]) -> Box<dyn Workload> {
    let mut noise = noise("hmm");
    let values = noise.normal_vec(steps * width);
    // Regimes of 50 steps, each with its own place.
    let place = |t: usize, i: usize| ((t / 50 * 5 + i * 3) % states) as f64;
    let values: Vec<f64> =
        values.iter().enumerate().map(|(p, z)| z + place(p / width, p % width)).collect();
    let data = Sequences::real(values, width, vec![steps]).expect("finite numbers");
    let means =
        (0..states).map(|s| (0..width).map(|i| ((s + 3 * i) % states) as f64).collect()).collect();
    let emission = Emission::Gaussian(Gaussian {
        form: Covariance::Diagonal,
        means,
        covariances: vec![vec![1.5; width]; states],
    });
    let other = 0.07 / states.max(2).saturating_sub(1) as f64;
    let row = |i: usize| match states {
        1 => vec![1.0],
        _ => (0..states).map(|j| if i == j { 0.93 } else { other }).collect(),
    };
    let start = vec![1.0 / states as f64; states];
    let model = Hmm::new(start, (0..states).map(row).collect(), emission).expect("a model");
    let emission = EmissionConfig::Gaussian { covariance: Covariance::Diagonal };
    let config = HmmConfig { states, emission, ..Default::default() };
    let fit = HmmFit::from_model(config, model, &data).expect("a fit");
    Box::new(Regimes { data, fit, task })
}

/// Steps, columns and states of the rows.
fn usual(plan: Plan) -> [usize; 3] {
    [plan.pick(50_000, 300), WIDTH, STATES]
}

/// One step of expectation maximisation.
pub fn step(plan: Plan) -> Box<dyn Workload> {
    regimes(Task::Step, usual(plan))
}

/// The step with other numbers of time steps, columns and states.
pub fn grown(_: Plan, sizes: [usize; 3]) -> Box<dyn Workload> {
    regimes(Task::Step, sizes)
}

/// The most probable path.
pub fn viterbi(plan: Plan) -> Box<dyn Workload> {
    regimes(Task::Viterbi, usual(plan))
}

/// The log-likelihood.
pub fn score(plan: Plan) -> Box<dyn Workload> {
    regimes(Task::Score, usual(plan))
}

impl Workload for Regimes {
    fn run(&mut self) -> f64 {
        match self.task {
            Task::Step => {
                let step = self.fit.clone().step(&self.data).expect("a step");
                step.log_likelihood
            }
            Task::Viterbi => {
                let paths = self.fit.model().viterbi(&self.data).expect("a path");
                paths[0].log_probability
            }
            Task::Score => self.fit.model().log_likelihood(&self.data).expect("a score"),
        }
    }
}

/// Where the text of the rows lies that both sides read.
pub fn text_file() -> PathBuf {
    std::env::temp_dir().join("pyrogen-bench-words.txt")
}

/// Writes a text of about `words` words: lines of 6 to 25, frequencies as in a language (Zipf 1949),
/// each word drawn near one that the word before it asks for.
pub fn write_words(path: &Path, words: usize) -> std::io::Result<()> {
    const VOCABULARY: f64 = 50_000.0;
    let noise = Noise::new(Seed(1)).fork("bench").fork("words");
    let mut text = String::new();
    for line in 0..words.div_ceil(15) {
        let draws = noise.fork_index(line as u64).uniform_vec(60);
        let mut last = 0;
        for i in 0..6 + line * 7 % 20 {
            // Four words in five come from ten that follow the last one often.
            let rank = VOCABULARY.powf(draws[2 * i]) as usize;
            let next =
                if draws[2 * i + 1] < 0.8 { (last * 31 + rank % 10 * 97) % 50_000 } else { rank };
            write!(text, "{}w{next}", if i == 0 { "" } else { " " }).expect("a string");
            last = next;
        }
        text.push('\n');
    }
    std::fs::write(path, text)
}

struct Words {
    text: String,
    model: Option<TextModel>,
}

fn words(plan: Plan) -> String {
    let count = plan.pick(10_000_000, 2_000);
    let path = match plan.pick(true, false) {
        true => text_file(),
        false => text_file().with_extension("tiny.txt"),
    };
    if !path.exists() {
        write_words(&path, count).expect("room for the text");
    }
    std::fs::read_to_string(&path).expect("the text")
}

/// Counts of a text of ten million words.
pub fn count(plan: Plan) -> Box<dyn Workload> {
    Box::new(Words { text: words(plan), model: None })
}

/// Ten thousand sentences that do not copy.
pub fn sentences(plan: Plan) -> Box<dyn Workload> {
    let text = words(plan);
    let model = TextModel::lines(&text, TextConfig::default()).expect("words");
    Box::new(Sentences { model, count: plan.pick(10_000, 10) })
}

impl Workload for Words {
    fn prepare(&mut self) {
        self.model = None;
    }

    fn run(&mut self) -> f64 {
        let model = TextModel::lines(&self.text, TextConfig::default()).expect("words");
        let vocabulary = model.vocabulary() as f64;
        self.model = Some(model);
        vocabulary
    }
}

struct Sentences {
    model: TextModel,
    count: usize,
}

impl Workload for Sentences {
    fn run(&mut self) -> f64 {
        let noise = Noise::new(Seed(2));
        let made = self.model.sentences(&noise, 0..self.count, &Wish::default()).expect("a wish");
        made.iter().filter(|m| m.text.is_some()).count() as f64
    }
}

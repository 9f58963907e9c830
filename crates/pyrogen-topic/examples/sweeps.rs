//! Milliseconds of sweeps and passes on documents in a file; `scripts/speed.py` runs it beside its peers.
//!
//! ```text
//! cargo run --release -p pyrogen-topic --example sweeps -- FILE WORDS TOPICS parallel|collapsed|variational
//! ```
//!
//! FILE has a document a line, `N WORD:COUNT ...`. A line on standard input makes one sweep, or one pass.

use std::error::Error;
use std::io::BufRead;
use std::time::Instant;

use pyrogen_core::{Noise, Seed};
use pyrogen_topic::{
    Corpus, Gibbs, GibbsConfig, Guide, LearnPrior, Sampler, Variational, VariationalConfig,
};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, words, topics, what] = &args[..] else {
        println!("give FILE WORDS TOPICS parallel|collapsed|variational");
        return Ok(());
    };
    let (words, topics): (usize, usize) = (words.parse()?, topics.parse()?);
    let text = std::fs::read_to_string(file)?;
    let pair = |part: &str| -> Result<(u32, u32), Box<dyn Error>> {
        let (word, n) = part.split_once(':').ok_or("a pair is WORD:COUNT")?;
        Ok((word.parse()?, n.parse()?))
    };
    let documents: Vec<Vec<(u32, u32)>> = text
        .lines()
        .map(|line| line.split(' ').skip(1).map(pair).collect())
        .collect::<Result<_, _>>()?;
    let corpus = Corpus::new(words, &documents)?;
    let noise = Noise::new(Seed(1));
    let mut work: Box<dyn FnMut() -> Result<f64, Box<dyn Error>>> = match what.as_str() {
        "variational" => {
            let config = VariationalConfig {
                topics,
                learn_alpha: LearnPrior::Fixed,
                learn_eta: false,
                ..Default::default()
            };
            let mut fit = Variational::new(config, &corpus, &noise)?;
            Box::new(move || Ok(fit.pass(&corpus)?.bound))
        }
        _ => {
            let sampler = if what == "collapsed" { Sampler::Collapsed } else { Sampler::Parallel };
            let config = GibbsConfig {
                topics,
                sampler,
                learn_alpha: LearnPrior::Fixed,
                learn_beta: false,
                ..Default::default()
            };
            let mut fit = Gibbs::new(config, &corpus, Guide::default(), &noise)?;
            Box::new(move || {
                fit.sweep(&corpus)?;
                Ok(f64::from(fit.assigned()[0]))
            })
        }
    };
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        line?;
        let started = Instant::now();
        let value = work()?;
        println!("{} {value}", started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}

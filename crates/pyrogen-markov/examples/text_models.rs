//! Nats a character of chains on a text: the first 90 % learn, the rest is held out.
//!
//! ```text
//! cargo run --release -p pyrogen-markov --example text_models -- tinyshakespeare.txt
//! ```

use std::time::Instant;

use pyrogen_core::{Noise, Seed};
use pyrogen_markov::MarkovError;
use pyrogen_markov::chain::{
    Blend, ContextTree, ContextTreeConfig, Counts, Escape, NGram, Perplexity, Ppm, PpmConfig,
    Smoothing, TokenModel,
};

/// Depth of the tree and order of the chain that are blended.
const DEPTH: usize = 8;
const ORDER: usize = 9;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give a text file")?;
    let bytes = std::fs::read(path)?;
    let mut alphabet = bytes.clone();
    alphabet.sort_unstable();
    alphabet.dedup();
    let symbols = alphabet.len() as u32;
    let id = |b: &u8| alphabet.binary_search(b).map(|i| i as u32);
    let text: Vec<u32> = bytes.iter().map(|b| id(b).expect("in the alphabet")).collect();
    let (train, held) = text.split_at(text.len() * 9 / 10);
    println!("{} symbols, {} train, {} held out", symbols, train.len(), held.len());
    for smoothing in [Smoothing::WittenBell, Smoothing::ModifiedKneserNey] {
        for order in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] {
            let started = Instant::now();
            let chain = chain(train, symbols, order, smoothing)?;
            let nats = Perplexity::of(&chain, &[held])?.per_token();
            let megabytes = chain.bytes() as f64 / 1e6;
            let seconds = started.elapsed().as_secs_f64();
            println!(
                "{smoothing:?} order {order}: {nats:.4} nats, {megabytes:.1} MB, {seconds:.2} s"
            );
        }
    }
    for (escape, update_exclusion) in
        [(Escape::C, false), (Escape::D, false), (Escape::C, true), (Escape::D, true)]
    {
        for order in [3, 4, 5, 6, 7, 8] {
            let started = Instant::now();
            let config = PpmConfig { escape, update_exclusion };
            let counts = Counts::new(train, &[train.len()], symbols, order)?;
            let model = Ppm::new(counts, config);
            let nats = Perplexity::of(&model, &[held])?.per_token();
            let seconds = started.elapsed().as_secs_f64();
            let megabytes = model.bytes() as f64 / 1e6;
            println!("{config:?} order {order}: {nats:.4} nats, {megabytes:.1} MB, {seconds:.2} s");
        }
    }
    for depth in [4, 6, 8, 10] {
        let started = Instant::now();
        let mut tree = tree(train, symbols, depth)?;
        let frozen = Perplexity::of(&tree, &[held])?.per_token();
        let adaptive = -tree.learn(held)?.iter().sum::<f64>() / held.len() as f64;
        let megabytes = tree.bytes() as f64 / 1e6;
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "context tree of depth {depth}: {frozen:.4} nats, {adaptive:.4} while it learns, \
             {megabytes:.0} MB, {seconds:.1} s"
        );
    }
    blend(train, held, symbols)?;
    Ok(())
}

fn chain(
    text: &[u32],
    symbols: u32,
    order: usize,
    smoothing: Smoothing,
) -> Result<NGram, MarkovError> {
    NGram::new(Counts::new(text, &[text.len()], symbols, order)?, smoothing)
}

fn tree(text: &[u32], symbols: u32, depth: usize) -> Result<ContextTree, MarkovError> {
    let config = ContextTreeConfig { depth, ..Default::default() };
    let mut tree = ContextTree::new(symbols, config)?;
    tree.learn(text)?;
    Ok(tree)
}

/// Weights from the last tenth of the training text, then models of all of it.
fn blend(train: &[u32], held: &[u32], symbols: u32) -> Result<(), MarkovError> {
    let (first, last) = train.split_at(train.len() * 9 / 10);
    let kneser_ney = Smoothing::ModifiedKneserNey;
    let models = |text: &[u32]| -> Result<(ContextTree, [NGram; 2]), MarkovError> {
        let chains =
            [chain(text, symbols, ORDER, kneser_ney)?, chain(text, symbols, 5, kneser_ney)?];
        Ok((tree(text, symbols, DEPTH)?, chains))
    };
    let (part, [long, short]) = models(first)?;
    let fitted = Blend::fitted(vec![&part, &long, &short], &[last], 30)?;
    let (whole, [long, short]) = models(train)?;
    let blend = Blend::new(vec![&whole, &long, &short], fitted.weights().to_vec())?;
    let nats = Perplexity::of(&blend, &[held])?.per_token();
    println!("blend with weights {:.3?}: {nats:.4} nats", blend.weights());
    let bits = nats / std::f64::consts::LN_2;
    println!("that is {bits:.3} bits a character");
    // A page from the chain, to look at.
    let made = long.generate(&Noise::new(Seed(1)), 0, &held[..20], 200)?;
    println!("{} symbols generated, {} outcomes", made.len(), long.outcomes());
    Ok(())
}

//! Nats a character of chains on tiny Shakespeare: the first 90 % learn, the rest is held out.
//!
//! The text is in the public domain, as distributed with char-rnn (Karpathy 2015).

use std::io::Read;

use pyrogen_markov::chain::{Counts, NGram, Perplexity, Ppm, PpmConfig, Smoothing};

/// Characters as numbers.
fn text() -> (Vec<u32>, u32) {
    let packed = include_bytes!("fixtures/tinyshakespeare.txt.gz");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
    let mut alphabet = bytes.clone();
    alphabet.sort_unstable();
    alphabet.dedup();
    let ids = bytes.iter().map(|b| alphabet.binary_search(b).unwrap() as u32).collect();
    (ids, alphabet.len() as u32)
}

#[test]
fn witten_bell_of_orders_1_to_6() {
    let (text, symbols) = text();
    assert_eq!((text.len(), symbols), (1_115_394, 65));
    let (train, held) = text.split_at(text.len() * 9 / 10);
    let published = [2.486, 2.049, 1.774, 1.669, 1.698, 1.779];
    for (order, published) in (1..).zip(published) {
        let counts = Counts::new(train, &[train.len()], symbols, order).unwrap();
        let chain = NGram::new(counts, Smoothing::WittenBell).unwrap();
        let nats = Perplexity::of(&chain, &[held]).unwrap().per_token();
        // Three decimals are given.
        assert!((nats - published).abs() < 6e-4, "order {order}: {nats} {published}");
    }
}

#[test]
fn partial_matching_and_kneser_ney_predict_better() {
    let (text, symbols) = text();
    let (train, held) = text.split_at(text.len() * 9 / 10);
    let counts = |order| Counts::new(train, &[train.len()], symbols, order).unwrap();
    let ppm = Ppm::new(counts(5), PpmConfig::default());
    let ppm = Perplexity::of(&ppm, &[held]).unwrap().per_token();
    let chain = NGram::new(counts(6), Smoothing::ModifiedKneserNey).unwrap();
    let kneser_ney = Perplexity::of(&chain, &[held]).unwrap().per_token();
    // The numbers of the documentation; the best of Witten-Bell is 1.669.
    assert!((ppm - 1.5686).abs() < 1e-4, "{ppm}");
    assert!((kneser_ney - 1.5165).abs() < 1e-4, "{kneser_ney}");
}

//! [`TextChain`]: a chain over the tokens of texts, with a place for tokens that it does not know.

use std::collections::HashMap;

use pyrogen_core::Draws;
use serde::{Deserialize, Serialize};

use super::settings::MarkovSettings;
use super::tokens::Tokens;
use crate::MarkovError;
use crate::chain::{Context, Counts, NGram, Ppm, PpmConfig, Smoothing, Source, TokenModel};

/// What `model.json` holds: the settings and the text. Counts are made of it when a folder is opened,
/// which takes less than reading them would.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// The settings.
    pub settings: MarkovSettings,
    /// The documents that were learnt from.
    pub documents: Vec<String>,
}

/// The next token's probabilities.
#[derive(Debug)]
enum Chain {
    Smoothed(NGram),
    Ppm(Ppm),
}

/// A chain over the tokens of texts.
///
/// A token that training did not see has a probability, too: it is new with probability `u`, the share
/// of the training tokens that were seen once, and then spelled byte by byte by a chain that has learnt
/// the vocabulary. So
///
/// ```text
/// p(token | before) = (1 - u) chain(token | before)     of a known token, and of the end
///                   = u spelling(bytes of the token)    of another
/// ```
///
/// and the probabilities of all texts add up to 1 at most.
#[derive(Debug)]
pub struct TextChain {
    settings: MarkovSettings,
    vocabulary: Vec<Vec<u8>>,
    ids: HashMap<Vec<u8>, u32>,
    chain: Chain,
    unknown: f64,
    spelling: Option<NGram>,
    source: Source,
    tokens: usize,
}

/// Bytes of context of the spelling of tokens that are not known.
const SPELLING: usize = 3;

impl TextChain {
    /// Counts the tokens of the documents.
    ///
    /// # Errors
    /// Settings that cannot be used, or documents without a token.
    pub fn new(saved: &Saved) -> Result<Self, MarkovError> {
        let Saved { settings, documents } = saved;
        settings.validate()?;
        let (mut vocabulary, mut ids) = (Vec::new(), HashMap::new());
        if settings.tokens == Tokens::Bytes {
            for byte in 0..=u8::MAX {
                ids.insert(vec![byte], u32::from(byte));
                vocabulary.push(vec![byte]);
            }
        }
        let (mut text, mut lengths, mut counts) =
            (Vec::new(), Vec::new(), vec![0u64; vocabulary.len()]);
        for document in documents {
            let tokens = settings.tokens.split(document);
            lengths.push(tokens.len());
            for token in tokens {
                let next = vocabulary.len() as u32;
                let id = match ids.get(token) {
                    Some(id) => *id,
                    None => {
                        ids.insert(token.to_vec(), next);
                        vocabulary.push(token.to_vec());
                        counts.push(0);
                        next
                    }
                };
                counts[id as usize] += 1;
                text.push(id);
            }
        }
        if text.is_empty() {
            return Err(MarkovError::Empty { what: "token of a text: every document is empty" });
        }
        let symbols = vocabulary.len() as u32;
        let ends = settings.ends.unwrap_or(documents.len() > 1);
        let order = settings.order;
        let counted = match ends {
            true => Counts::ends(&text, &lengths, symbols, order)?,
            false => Counts::new(&text, &lengths, symbols, order)?,
        };
        let chain = match settings.smoothing() {
            Some(smoothing) => Chain::Smoothed(NGram::new(counted, smoothing)?),
            None => Chain::Ppm(Ppm::new(counted, PpmConfig::default())),
        };
        let once = counts.iter().filter(|n| **n == 1).count() as f64;
        let (unknown, spelling) = match settings.tokens {
            Tokens::Bytes => (0.0, None),
            _ => ((once + 0.5) / (text.len() as f64 + 1.0), Some(spelling(&vocabulary)?)),
        };
        let (settings, tokens) = (settings.clone(), text.len());
        let source = Source::new(text, vocabulary.len());
        Ok(Self { settings, vocabulary, ids, chain, unknown, spelling, source, tokens })
    }

    /// The settings.
    pub fn settings(&self) -> &MarkovSettings {
        &self.settings
    }

    /// Number of different tokens.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary.len()
    }

    /// Tokens that were learnt from.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// The probability that a token is one that training did not see.
    pub fn unknown(&self) -> f64 {
        self.unknown
    }

    fn counts(&self) -> &Counts {
        match &self.chain {
            Chain::Smoothed(chain) => chain.counts(),
            Chain::Ppm(chain) => chain.counts(),
        }
    }

    /// Distinct runs of tokens that were counted: the numbers that the model is made of.
    pub fn runs(&self) -> usize {
        (1..=self.settings.order + 1).map(|n| self.counts().runs(n)).sum()
    }

    /// Whether the ends of documents are modelled.
    pub fn ends(&self) -> bool {
        self.counts().end().is_some()
    }

    /// The source, for runs that stand in it.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// The bytes of a token.
    pub(super) fn token(&self, id: u32) -> &[u8] {
        &self.vocabulary[id as usize]
    }

    /// The numbers of a text's tokens; none for one that training did not see.
    pub(super) fn read(&self, text: &str) -> Vec<Option<u32>> {
        let tokens = self.settings.tokens.split(text);
        tokens.into_iter().map(|token| self.ids.get(token).copied()).collect()
    }

    pub(super) fn start(&self) -> Context {
        self.counts().start()
    }

    /// Moves a context on; after a token that is not known, nothing of it is known.
    pub(super) fn advance(&self, context: &mut Context, id: Option<u32>) {
        self.counts().advance(context, id.unwrap_or(u32::MAX));
    }

    /// The context behind a text at the beginning of a document.
    pub(super) fn context(&self, text: &[Option<u32>]) -> Context {
        let mut context = self.start();
        text.iter().for_each(|id| self.advance(&mut context, *id));
        context
    }

    fn probability(&self, context: &Context, symbol: u32) -> f64 {
        match &self.chain {
            Chain::Smoothed(chain) => chain.probability(context, symbol),
            Chain::Ppm(chain) => chain.probability(context, symbol),
        }
    }

    /// The probability of every known token after a context, and of the end as the last where it is
    /// modelled, without the share of what is not known.
    pub(super) fn distribution(&self, context: &Context) -> Vec<f64> {
        match &self.chain {
            Chain::Smoothed(chain) => chain.distribution(context),
            Chain::Ppm(chain) => chain.distribution(context),
        }
    }

    /// A token drawn after a context; none at the end of a document. Tokens that are not known are not
    /// drawn. Probabilities are raised to the power `1 / temperature`; at 0 the most probable token is
    /// taken, the first of equals.
    pub(super) fn draw(
        &self,
        context: &Context,
        temperature: f64,
        draws: &mut Draws,
    ) -> Option<u32> {
        let symbol = match &self.chain {
            _ if temperature != 1.0 => self.tempered(context, temperature, draws)?,
            Chain::Smoothed(chain) => chain.draw(context, draws)?,
            Chain::Ppm(chain) => chain.draw(context, draws),
        };
        (Some(symbol) != self.counts().end()).then_some(symbol)
    }

    fn tempered(&self, context: &Context, temperature: f64, draws: &mut Draws) -> Option<u32> {
        let mut p = self.distribution(context);
        let largest = p.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            return None;
        }
        if temperature == 0.0 {
            return p.iter().position(|p| *p == largest).map(|symbol| symbol as u32);
        }
        p.iter_mut().for_each(|p| *p = (*p / largest).powf(1.0 / temperature));
        Some(draws.place(&p) as u32)
    }

    /// The log-probability of each token of a text in nats, and of its end where that is modelled.
    ///
    /// # Errors
    /// None that a text could cause.
    pub fn log_probabilities(&self, text: &str) -> Result<Vec<f64>, MarkovError> {
        let mut context = self.start();
        let known = (-self.unknown).ln_1p();
        let mut logs = Vec::new();
        for token in self.settings.tokens.split(text) {
            let id = self.ids.get(token).copied();
            logs.push(match (id, &self.spelling) {
                (Some(id), _) => known + self.probability(&context, id).ln(),
                (None, Some(spelling)) => {
                    let bytes: Vec<u32> = token.iter().map(|b| u32::from(*b)).collect();
                    self.unknown.ln() + spelling.log_probabilities(&bytes)?.iter().sum::<f64>()
                }
                (None, None) => f64::NEG_INFINITY,
            });
            self.advance(&mut context, id);
        }
        if let Some(end) = self.counts().end() {
            logs.push(known + self.probability(&context, end).ln());
        }
        Ok(logs)
    }
}

/// A chain of bytes that has learnt to spell the vocabulary.
fn spelling(vocabulary: &[Vec<u8>]) -> Result<NGram, MarkovError> {
    let bytes: Vec<u32> = vocabulary.iter().flatten().map(|b| u32::from(*b)).collect();
    let lengths: Vec<usize> = vocabulary.iter().map(Vec::len).collect();
    NGram::new(Counts::ends(&bytes, &lengths, 256, SPELLING)?, Smoothing::WittenBell)
}

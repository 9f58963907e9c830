//! How probable texts are, token by token.

use burn::tensor::Tensor;
use pyrogen_nn::ops;

use crate::language::{Dropout, LanguageModel, Start};
use crate::{Packed, TextModel};

/// What each token of a document costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Surprise {
    /// The tokens that are predicted: those of the document, and its end where texts end.
    pub tokens: Vec<u32>,
    /// `-ln p(token | the tokens before)`, in nats.
    pub nats: Vec<f64>,
}

/// The score of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TextScore {
    /// `-ln p(text)`, in nats.
    pub nats: f64,
    /// Tokens that were predicted.
    pub tokens: usize,
    /// Bytes of the text.
    pub bytes: usize,
}

impl TextScore {
    /// Nats a token; NaN without tokens.
    pub fn nats_per_token(&self) -> f64 {
        self.nats / self.tokens as f64
    }

    /// `exp` of the nats a token.
    pub fn perplexity(&self) -> f64 {
        self.nats_per_token().exp()
    }

    /// Bits a byte of the text, which compares models of different tokenizers; NaN without bytes.
    pub fn bits_per_byte(&self) -> f64 {
        self.nats / self.bytes as f64 / std::f64::consts::LN_2
    }
}

/// Tokens that are worked on together at most, and logits of them.
const TOGETHER: usize = 8192;
const LOGITS: usize = 1 << 24;

/// Rows of a multiple of so many places fill the processor's vectors.
const VECTOR: usize = 16;

/// Tokens that a network without a limit reads at once.
const STRETCH: usize = 256;

/// A window into a document: it reads from `from`, and its tokens from `counted` on are scored.
#[derive(Debug, Clone, Copy)]
struct Window {
    document: usize,
    from: usize,
    counted: usize,
    end: usize,
}

impl<N: LanguageModel> TextModel<N> {
    /// The surprise of each token of documents. Every token is predicted once, from at least
    /// `context - stride` tokens before it where there are as many (a smaller stride costs time and
    /// lowers the number, as far as more context helps).
    ///
    /// A document begins with the start token, which is not scored.
    ///
    /// # Panics
    /// If the stride is 0, a token is out of range, or the model is on a device that tracks gradients.
    pub fn surprise(&self, documents: &[Vec<u32>], stride: usize) -> Vec<Surprise> {
        assert!(stride > 0, "surprise: a stride of 0");
        let full: Vec<Vec<u32>> = documents.iter().map(|document| self.framed(document)).collect();
        let mut nats: Vec<Vec<f64>> = full.iter().map(|d| vec![0.0; d.len() - 1]).collect();
        match self.network().context() {
            Some(context) => self.by_windows(&full, context, stride, &mut nats),
            None => {
                for (document, nats) in full.iter().zip(&mut nats) {
                    self.along(document, nats);
                }
            }
        }
        let surprise =
            |(tokens, nats): (Vec<u32>, Vec<f64>)| Surprise { tokens: tokens[1..].to_vec(), nats };
        full.into_iter().zip(nats).map(surprise).collect()
    }

    /// A document between its start and, where texts end, its end.
    fn framed(&self, document: &[u32]) -> Vec<u32> {
        let mut full = vec![self.tokenizer().start()];
        full.extend_from_slice(document);
        if self.network().ends() {
            full.push(self.tokenizer().end());
        }
        full
    }

    fn by_windows(&self, full: &[Vec<u32>], context: usize, stride: usize, nats: &mut [Vec<f64>]) {
        let mut windows = Vec::new();
        for (document, tokens) in full.iter().enumerate() {
            let targets = tokens.len() - 1;
            let mut counted = 0;
            while counted < targets {
                let end = if counted == 0 { context } else { counted + stride.min(context) };
                let end = end.min(targets);
                windows.push(Window { document, from: end.saturating_sub(context), counted, end });
                counted = end;
            }
        }
        let network = self.network();
        let together = TOGETHER.min(LOGITS / network.vocabulary());
        // Windows of one length together. The length and the number of rows are such that no token's
        // score depends, to the last bit, on what else is scored.
        let padded = |w: &Window| (w.end - w.from).next_multiple_of(VECTOR).min(context);
        windows.sort_by_key(|w| std::cmp::Reverse(padded(w)));
        for group in windows.chunk_by(|a, b| padded(a) == padded(b)) {
            let places = padded(&group[0]);
            let unit = if places.is_multiple_of(VECTOR) { 1 } else { network.unit() };
            let count = (together / places).max(1).next_multiple_of(unit);
            for now in group.chunks(count) {
                self.window(full, now, [now.len().next_multiple_of(unit), places], nats);
            }
        }
    }

    /// Scores windows as so many rows of so many places; what stands behind a window changes nothing
    /// in it.
    fn window(
        &self,
        full: &[Vec<u32>],
        windows: &[Window],
        [rows, places]: [usize; 2],
        nats: &mut [Vec<f64>],
    ) {
        let mut tokens = vec![0; rows * places];
        let mut targets = vec![0; rows * places];
        for (i, w) in windows.iter().enumerate() {
            let (document, length) = (&full[w.document], w.end - w.from);
            tokens[i * places..][..length].copy_from_slice(&document[w.from..w.end]);
            targets[i * places..][..length].copy_from_slice(&document[w.from + 1..=w.end]);
        }
        let logits = self.network().logits(&Packed::new(tokens, places), &Dropout::default());
        let costs = costs(logits, targets);
        for (w, row) in windows.iter().zip(costs.chunks(places)) {
            let (counted, end) = (w.counted - w.from, w.end - w.from);
            nats[w.document][w.counted..w.end].copy_from_slice(&row[counted..end]);
        }
    }

    /// A document read in stretches, with what the network keeps between them.
    fn along(&self, document: &[u32], nats: &mut [f64]) {
        let rows = self.network().unit();
        let mut state = self.network().start(Start { rows, longest: document.len() });
        for (i, costs_out) in nats.chunks_mut(STRETCH).enumerate() {
            let part = &document[i * STRETCH..][..costs_out.len()];
            let targets = document[i * STRETCH + 1..][..costs_out.len()].repeat(rows);
            let packed = Packed::new(part.repeat(rows), part.len());
            let logits = self.network().read(&packed, &mut state);
            costs_out.copy_from_slice(&costs(logits, targets)[..part.len()]);
        }
    }

    /// The score of texts, each with a stride of half the context.
    ///
    /// # Errors
    /// A text that the tokenizer cannot write.
    pub fn score(&self, texts: &[&str]) -> Result<Vec<TextScore>, crate::TokenError> {
        let stride = self.default_stride();
        let documents = texts.iter().map(|text| self.tokenizer().encode(text));
        let documents = documents.collect::<Result<Vec<_>, _>>()?;
        let score = |(surprise, text): (Surprise, &&str)| TextScore {
            nats: surprise.nats.iter().sum(),
            tokens: surprise.nats.len(),
            bytes: text.len(),
        };
        Ok(self.surprise(&documents, stride).into_iter().zip(texts).map(score).collect())
    }

    /// Half the context.
    pub fn default_stride(&self) -> usize {
        self.network().context().map_or(STRETCH, |context| context.div_ceil(2))
    }
}

/// `-ln p(target)` of each row of logits.
fn costs(logits: Tensor<3>, targets: Vec<u32>) -> Vec<f64> {
    let [rows, places, vocabulary] = logits.dims();
    let costs = ops::cross_entropy(logits.reshape([rows * places, vocabulary]), &targets.into());
    costs.into_data().iter::<f64>().collect()
}

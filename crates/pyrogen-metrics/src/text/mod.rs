//! Metrics of texts: against references, of a collection by itself, and between two collections.
//!
//! | metric | what it says | here |
//! |---|---|---|
//! | BLEU | precision of n-grams of words, with a penalty for shortness | [`Bleu`] |
//! | chrF, chrF++ | F-score of n-grams of characters (and words) | [`Chrf`] |
//! | TER | edits for each word of the reference | [`Ter`] |
//! | word and character error rate | edits without moves, for each word or character | [`EditRate`] |
//! | exact match | the share of texts that are a reference | [`ExactMatch`] |
//! | ROUGE-1, -2, -L, -Lsum | overlap with a reference summary | [`Rouge`] |
//! | METEOR | words matched exactly and by their stems, and their order | [`Meteor`] |
//! | distinct-n, repetition | how much of the text is new | [`Distinct`], [`distinct_ids`], [`repetition`] |
//! | Self-BLEU | how alike the texts of a collection are | [`self_bleu`] |
//! | overlap with training | how much was copied | [`ngram_overlap`] |
//! | MAUVE | how near two collections are, by features of a language model | [`mauve()`] |
//!
//! The metrics of [`Corpus`] implement [`SegmentMetric`]: [`SegmentMetric::evaluate`] gives the score
//! of a corpus, [`SegmentMetric::evaluate_segments`] that of each segment, [`bootstrap()`] an interval,
//! and [`paired()`] says whether two systems differ.
//!
//! ```
//! use pyrogen_metrics::text::{Bleu, Corpus, SegmentMetric};
//!
//! let hypotheses = ["The dog bit the man.", "It was not unexpected."];
//! let references = [["The dog bit the man.", "It was not surprising."]];
//! let report = Bleu::default().evaluate(&Corpus::new(&hypotheses, &references)?)?;
//! assert!((report.get("bleu").unwrap() - 74.1945).abs() < 1e-4);
//! assert!(report.signature().to_string().starts_with("bleu|nrefs:1|case:mixed|eff:no|tok:13a|"));
//! # Ok::<(), pyrogen_metrics::text::TextError>(())
//! ```

mod bleu;
mod bootstrap;
mod chrf;
mod corpus;
mod diversity;
mod edits;
mod error;
mod groups;
mod mauve;
mod meteor;
mod metric;
mod overlap;
mod paired;
mod porter;
mod python;
mod rouge;
mod signature;
mod ter;
mod tokenize;
mod trie;
mod words;

pub use bleu::{Bleu, BleuScore, BleuScratch, Smoothing};
pub use bootstrap::{Interval, bootstrap};
pub use chrf::{Chrf, ChrfScratch};
pub use corpus::{Corpus, ReferenceCount};
pub use diversity::{Distinct, distinct_ids, repetition, self_bleu};
pub use edits::{EditRate, EditScratch, EditUnit, ExactMatch};
pub use error::TextError;
pub use mauve::{Mauve, MauveOptions, mauve, mauve_of_counts};
pub use meteor::{Meteor, MeteorScratch};
pub use metric::{SegmentMetric, SegmentStatistics};
pub use overlap::ngram_overlap;
pub use paired::{Comparison, PairedTest, paired};
pub use porter::PorterStemmer;
pub use rouge::{Rouge, RougeScore, RougeScratch, RougeTokenizer};
pub use signature::{SignatureForm, TextSignature};
pub use ter::{Ter, TerScratch};
pub use tokenize::Tokenizer;

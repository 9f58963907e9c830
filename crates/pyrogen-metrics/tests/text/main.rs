//! The metrics of texts against sacrebleu, rouge-score, nltk and mauve-text, and against themselves.
//!
//! `tests/fixtures/text_*.json` are written by `scripts/reference_text.py`.

mod fixtures;
mod inputs;
mod reference;
mod significance;
mod summaries;

//! [`Corpus`]: documents as counts of the words of a vocabulary.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::TopicError;

/// Documents as counts of words, in compressed rows: each document has its distinct words ascending,
/// with counts above 0. A document may be empty.
///
/// ```
/// use pyrogen_topic::Corpus;
///
/// let corpus = Corpus::new(3, &[vec![(2, 1), (0, 2)], vec![]])?;
/// assert_eq!((corpus.len(), corpus.tokens(), corpus.document(0).words), (2, 3, &[0, 2][..]));
/// # Ok::<(), pyrogen_topic::TopicError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corpus {
    words: usize,
    starts: Vec<usize>,
    places: Vec<u32>,
    counts: Vec<u32>,
    #[serde(skip)]
    by_words: Cached,
}

/// The same pairs by words, made when they are first asked for.
#[derive(Debug, Clone, Default)]
struct Cached(OnceLock<Arc<ByWords>>);

impl PartialEq for Cached {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Cached {}

/// A document of a [`Corpus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// Its distinct words, ascending.
    pub words: &'a [u32],
    /// How often it has each of them, at least once.
    pub counts: &'a [u32],
}

impl Document<'_> {
    /// Number of words, repeated ones counted.
    pub fn tokens(&self) -> u64 {
        self.counts.iter().map(|c| u64::from(*c)).sum()
    }
}

impl Corpus {
    /// Documents as pairs of a word's number and its count; pairs of one word are added.
    ///
    /// # Errors
    /// No documents, or a word that is not below `words`.
    pub fn new(words: usize, documents: &[Vec<(u32, u32)>]) -> Result<Self, TopicError> {
        let mut corpus = Self::empty(words);
        for (document, pairs) in documents.iter().enumerate() {
            let mut pairs: Vec<(u32, u32)> = pairs.iter().copied().filter(|p| p.1 > 0).collect();
            pairs.sort_unstable_by_key(|p| p.0);
            for (word, count) in pairs {
                if word as usize >= words {
                    return Err(TopicError::Word { document, word: word as usize, words });
                }
                corpus.push(word, count);
            }
            corpus.end();
        }
        corpus.checked()
    }

    /// A table of counts, row-major, of `words` columns.
    ///
    /// # Errors
    /// No documents, a row that is not full, or a value that is not a whole number from 0 on.
    pub fn from_table(values: &[f64], words: usize) -> Result<Self, TopicError> {
        if words == 0 || !values.len().is_multiple_of(words) {
            let expected = values.len().next_multiple_of(words.max(1));
            return Err(TopicError::Length { what: "counts", expected, got: values.len() });
        }
        let mut corpus = Self::empty(words);
        for (document, row) in values.chunks(words).enumerate() {
            for (word, &value) in row.iter().enumerate() {
                // Not `<`: NaN is no count.
                if !(value >= 0.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0) {
                    return Err(TopicError::NotACount { document, word, value });
                }
                if value > 0.0 {
                    corpus.push(word as u32, value as u32);
                }
            }
            corpus.end();
        }
        corpus.checked()
    }

    pub(crate) fn empty(words: usize) -> Self {
        Self {
            words,
            starts: vec![0],
            places: Vec::new(),
            counts: Vec::new(),
            by_words: Cached::default(),
        }
    }

    /// Adds a word to the last document; words come ascending.
    pub(crate) fn push(&mut self, word: u32, count: u32) {
        let open = *self.starts.last().expect("one more than documents");
        match self.places.last() {
            Some(last) if *last == word && self.places.len() > open => {
                let sum = self.counts.last_mut().expect("a count a word");
                *sum = sum.saturating_add(count);
            }
            _ => {
                self.places.push(word);
                self.counts.push(count);
            }
        }
    }

    /// Ends the last document.
    pub(crate) fn end(&mut self) {
        self.starts.push(self.places.len());
    }

    pub(crate) fn checked(self) -> Result<Self, TopicError> {
        let tokens = self.tokens();
        if tokens > u64::from(u32::MAX) {
            return Err(TopicError::TooLarge { tokens });
        }
        if self.is_empty() { Err(TopicError::NoDocuments) } else { Ok(self) }
    }

    /// Number of documents.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Size of the vocabulary.
    pub fn words(&self) -> usize {
        self.words
    }

    /// Number of words of all documents, repeated ones counted.
    pub fn tokens(&self) -> u64 {
        self.counts.iter().map(|c| u64::from(*c)).sum()
    }

    /// Whether a model of `words` words fits it that assigned a topic to each of `tokens` tokens.
    pub(crate) fn expect(&self, words: usize, tokens: usize) -> Result<(), TopicError> {
        if self.words != words {
            return Err(TopicError::Vocabulary { expected: words, got: self.words });
        }
        let (what, expected, got) = ("words of all documents", tokens, self.tokens() as usize);
        match expected == got {
            true => Ok(()),
            false => Err(TopicError::Length { what, expected, got }),
        }
    }

    /// Number of pairs of a document and a distinct word of it.
    pub fn pairs(&self) -> usize {
        self.places.len()
    }

    /// Document `i`.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn document(&self, i: usize) -> Document<'_> {
        let range = self.starts[i]..self.starts[i + 1];
        Document { words: &self.places[range.clone()], counts: &self.counts[range] }
    }

    /// The documents in turn.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Document<'_>> {
        (0..self.len()).map(|i| self.document(i))
    }

    /// The documents `rows`, in that order.
    ///
    /// # Panics
    /// If a row is out of range.
    pub fn select(&self, rows: &[usize]) -> Self {
        let mut out = Self::empty(self.words);
        for &row in rows {
            let document = self.document(row);
            out.places.extend_from_slice(document.words);
            out.counts.extend_from_slice(document.counts);
            out.end();
        }
        out
    }

    /// Where the pairs of document `i` begin.
    pub(crate) fn start(&self, i: usize) -> usize {
        self.starts[i]
    }

    /// Where the tokens of each document begin, in the order of pairs with each repeated by its count;
    /// at the end their number.
    pub(crate) fn token_starts(&self) -> Vec<usize> {
        let mut at = 0;
        let mut starts = Vec::with_capacity(self.len() + 1);
        starts.push(0);
        for document in self.iter() {
            at += document.tokens() as usize;
            starts.push(at);
        }
        starts
    }

    /// The same pairs, by words.
    pub(crate) fn by_words(&self) -> &ByWords {
        self.by_words.0.get_or_init(|| Arc::new(ByWords::new(self)))
    }
}

/// A pair of a document and a word.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry {
    pub(crate) document: u32,
    /// Its place among the pairs of the corpus.
    pub(crate) pair: u32,
    /// The place of its first token.
    pub(crate) token: u32,
    pub(crate) count: u32,
}

/// The pairs of a corpus by words.
#[derive(Debug)]
pub(crate) struct ByWords {
    starts: Vec<usize>,
    entries: Vec<Entry>,
}

impl ByWords {
    fn new(corpus: &Corpus) -> Self {
        let mut starts = vec![0; corpus.words + 1];
        corpus.places.iter().for_each(|w| starts[*w as usize + 1] += 1);
        for w in 0..corpus.words {
            starts[w + 1] += starts[w];
        }
        let mut next = starts.clone();
        let mut entries = vec![Entry::default(); corpus.places.len()];
        let mut token = 0;
        for d in 0..corpus.len() {
            for pair in corpus.starts[d]..corpus.starts[d + 1] {
                let (at, count) = (&mut next[corpus.places[pair] as usize], corpus.counts[pair]);
                entries[*at] = Entry { document: d as u32, pair: pair as u32, token, count };
                *at += 1;
                token += count;
            }
        }
        Self { starts, entries }
    }

    /// The documents that have a word, ascending.
    pub(crate) fn word(&self, word: usize) -> &[Entry] {
        &self.entries[self.starts[word]..self.starts[word + 1]]
    }
}

//! The n-grams of a whole collection, grouped.

use rayon::prelude::*;

use super::Tokenizer;
use super::tokenize::Buffers;
use super::words::Words;

/// Texts as numbers of words: equal words have equal numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbered {
    words: Vec<u32>,
    /// Where each text ends.
    ends: Vec<usize>,
}

/// Texts that one thread takes at a time.
const PART: usize = 4096;

/// Some of the texts, with numbers of their own.
#[derive(Debug, Default)]
struct Part {
    words: Words,
    ids: Vec<u32>,
    ends: Vec<usize>,
}

impl Part {
    fn read<S: AsRef<str>>(texts: &[S], tokenizer: Tokenizer, lowercase: bool) -> Self {
        let mut part = Self::default();
        let mut buffers = Buffers::default();
        for text in texts {
            let lower = lowercase.then(|| text.as_ref().to_lowercase());
            let text = lower.as_deref().unwrap_or(text.as_ref());
            let tokens = tokenizer.split(text, &mut buffers);
            part.ids.extend(tokens.map(|token| part.words.intern(token.as_bytes())));
            part.ends.push(part.ids.len());
        }
        part
    }
}

impl Numbered {
    /// Takes texts apart, on all cores.
    pub fn new<S: AsRef<str> + Sync>(texts: &[S], tokenizer: Tokenizer, lowercase: bool) -> Self {
        let part = |texts: &[S]| Part::read(texts, tokenizer, lowercase);
        let parts: Vec<Part> = texts.par_chunks(PART).map(part).collect();
        let mut all = Words::default();
        let mut whole = Self { words: Vec::new(), ends: Vec::with_capacity(texts.len()) };
        for part in parts {
            let number = |id| all.intern(part.words.word(id));
            let numbers: Vec<u32> = (0..part.words.len() as u32).map(number).collect();
            let before = whole.words.len();
            whole.words.extend(part.ids.iter().map(|&id| numbers[id as usize]));
            whole.ends.extend(part.ends.iter().map(|end| before + end));
        }
        whole
    }

    /// Texts that are numbers already.
    pub fn of_ids<S: AsRef<[u32]>>(texts: &[S]) -> Self {
        let mut words = Vec::new();
        let mut ends = Vec::with_capacity(texts.len());
        for text in texts {
            words.extend_from_slice(text.as_ref());
            ends.push(words.len());
        }
        Self { words, ends }
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Number of words of a text.
    pub fn words_of(&self, text: usize) -> usize {
        self.ends[text] - self.start(text)
    }

    fn start(&self, text: usize) -> usize {
        text.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    /// Calls a function for each order from 1 to `orders` with the places of all n-grams of that order,
    /// sorted by n-gram and then by place.
    pub fn each_order(&self, orders: usize, mut each: impl FnMut(usize, &Grouped)) {
        assert!(u32::try_from(self.words.len()).is_ok(), "more tokens than a place can count");
        let text_of = self.text_of();
        // The n-gram at each place, as a number among those of the order before.
        let mut numbers: Vec<u32> = self.words.clone();
        for n in 1..=orders {
            let mut places: Vec<(u64, u32)> = self
                .places(n)
                .map(|place| {
                    let last = if n == 1 { 0 } else { self.words[place + n - 1] };
                    ((u64::from(numbers[place]) << 32) | u64::from(last), place as u32)
                })
                .collect();
            places.par_sort_unstable();
            each(n, &Grouped { places: &places, text_of: &text_of });
            let mut number = 0;
            for i in 0..places.len() {
                number += u32::from(i > 0 && places[i].0 != places[i - 1].0);
                numbers[places[i].1 as usize] = number;
            }
        }
    }

    fn places(&self, n: usize) -> impl Iterator<Item = usize> {
        (0..self.len())
            .flat_map(move |text| self.start(text)..(self.ends[text] + 1).saturating_sub(n))
    }

    fn text_of(&self) -> Vec<u32> {
        let mut text_of = Vec::with_capacity(self.words.len());
        for text in 0..self.len() {
            text_of.resize(self.ends[text], text as u32);
        }
        text_of
    }
}

/// The n-grams of one order.
pub(crate) struct Grouped<'a> {
    places: &'a [(u64, u32)],
    text_of: &'a [u32],
}

impl Grouped<'_> {
    /// Number of n-grams.
    pub fn total(&self) -> usize {
        self.places.len()
    }

    /// Number of different n-grams.
    pub fn distinct(&self) -> usize {
        self.groups().count()
    }

    fn groups(&self) -> impl Iterator<Item = &[(u64, u32)]> {
        self.places.chunk_by(|a, b| a.0 == b.0)
    }

    /// Calls a function with each different n-gram: how often which texts have it, in their order.
    pub fn each_by_text(&self, mut each: impl FnMut(&[(usize, u32)])) {
        let mut counts: Vec<(usize, u32)> = Vec::new();
        for group in self.groups() {
            counts.clear();
            for &(_, place) in group {
                let text = self.text_of[place as usize] as usize;
                match counts.last_mut() {
                    Some((last, count)) if *last == text => *count += 1,
                    _ => counts.push((text, 1)),
                }
            }
            each(&counts);
        }
    }
}

//! The words of a segment as small numbers.

/// Gives each different word a number from 0, in the order of their first appearance.
///
/// One value serves many segments: [`clear`](Self::clear) keeps the memory.
#[derive(Debug, Default)]
pub(crate) struct Words {
    text: Vec<u8>,
    entries: Vec<Entry>,
    /// Open addressing: the number of a word plus one, 0 where nothing is.
    slots: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    start: usize,
    end: usize,
}

const SMALLEST: usize = 256;

impl Words {
    /// Forgets all words.
    pub fn clear(&mut self) {
        // After one very long segment the next ones should not clear its table again and again.
        if self.slots.len() > SMALLEST && self.entries.len() * 16 < self.slots.len() {
            self.slots = vec![0; SMALLEST];
        } else {
            self.slots.fill(0);
        }
        self.text.clear();
        self.entries.clear();
    }

    /// How many different words there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// A word by its number.
    pub fn word(&self, id: u32) -> &[u8] {
        let entry = self.entries[id as usize];
        &self.text[entry.start..entry.end]
    }

    /// The number of a word, a new one if it was not there.
    pub fn intern(&mut self, word: &[u8]) -> u32 {
        if self.slots.len() < 2 * (self.entries.len() + 1) {
            self.grow();
        }
        let hash = hash(word);
        match self.probe(hash, word) {
            Ok(id) => id,
            Err(slot) => {
                let start = self.text.len();
                self.text.extend_from_slice(word);
                self.entries.push(Entry { hash, start, end: self.text.len() });
                self.slots[slot] = self.entries.len() as u32;
                self.entries.len() as u32 - 1
            }
        }
    }

    /// The number of a word that is there.
    pub fn find(&self, word: &[u8]) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        self.probe(hash(word), word).ok()
    }

    fn probe(&self, hash: u64, word: &[u8]) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                0 => return Err(slot),
                id => {
                    let entry = self.entries[id as usize - 1];
                    if entry.hash == hash && &self.text[entry.start..entry.end] == word {
                        return Ok(id - 1);
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(SMALLEST);
        self.slots = vec![0; size];
        for (id, entry) in self.entries.iter().enumerate() {
            let mut slot = entry.hash as usize & (size - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.slots[slot] = id as u32 + 1;
        }
    }
}

/// Odd, with bits spread over the whole word (2^64 divided by the golden ratio).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn hash(bytes: &[u8]) -> u64 {
    let mut state = bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("eight bytes"));
        state = mixed(state ^ word);
    }
    let mut last = [0; 8];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    mixed(state ^ u64::from_le_bytes(last))
}

/// The low bits of a product depend on low bits alone, so the high ones are folded in.
pub(crate) fn mixed(x: u64) -> u64 {
    let x = x.wrapping_mul(GOLDEN);
    x ^ (x >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_words_have_equal_numbers() {
        let mut words = Words::default();
        for round in 0..3 {
            words.clear();
            let count = [1000, 3, 70][round];
            for _ in 0..2 {
                for i in 0..count {
                    assert_eq!(words.intern(format!("word{i}").as_bytes()), i);
                }
            }
            assert_eq!(words.len(), count as usize);
            assert_eq!(words.find(b"word2"), Some(2));
            assert_eq!(words.word(2), b"word2");
            assert_eq!(words.find(b"word1000"), None);
        }
        words.clear();
        assert_eq!(words.find(b"word2"), None);
        assert_eq!(Words::default().find(b"word2"), None);
    }
}

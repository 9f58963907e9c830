//! The hash of data of any modality.

use sha2::{Digest, Sha256};

use super::Modality;

/// SHA-256 over a modality's name and its parts. Every part begins with its length, so that no two
/// different lists of parts give the same bytes.
pub(crate) struct Hasher(Sha256);

impl Hasher {
    pub fn new(modality: Modality) -> Self {
        let mut hash = Sha256::new();
        hash.update(format!("pyrogen {modality} v1\n"));
        Self(hash)
    }

    pub fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    pub fn numbers(&mut self, numbers: impl ExactSizeIterator<Item = u64>) {
        self.number(numbers.len() as u64);
        self.stream(numbers);
    }

    /// Numbers, many at a time.
    fn stream(&mut self, numbers: impl Iterator<Item = u64>) {
        let mut buffer: Vec<u8> = Vec::with_capacity(1 << 15);
        for number in numbers {
            buffer.extend(number.to_le_bytes());
            if buffer.len() >= 1 << 15 {
                self.0.update(&buffer);
                buffer.clear();
            }
        }
        self.0.update(&buffer);
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub fn texts(&mut self, texts: &[impl AsRef<str>]) {
        self.number(texts.len() as u64);
        texts.iter().for_each(|text| self.text(text.as_ref()));
    }

    /// Numbers; every NaN is the same, and -0 is 0.
    pub fn floats(&mut self, floats: impl ExactSizeIterator<Item = f64>) {
        self.number(floats.len() as u64);
        self.more_floats(floats);
    }

    /// Some of the numbers of a list whose length has been hashed.
    pub fn more_floats(&mut self, floats: impl Iterator<Item = f64>) {
        let same = |v: f64| if v.is_nan() { f64::NAN } else { v + 0.0 };
        self.stream(floats.map(|v| same(v).to_bits()));
    }

    /// The class of each item.
    pub fn labels(&mut self, labels: Option<&[u32]>) {
        self.0.update([u8::from(labels.is_some())]);
        if let Some(labels) = labels {
            self.numbers(labels.iter().map(|&l| u64::from(l)));
        }
    }

    /// The hash in hexadecimal.
    pub fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

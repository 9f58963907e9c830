//! Sound.

use std::path::Path;

use serde_json::{Value, json};

use super::hash::Hasher;
use super::rows::class_counts;
use super::{Items, Modality};
use crate::DataError;

/// Recordings of one channel and one rate, of different lengths, in [-1, 1].
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    rate: u32,
    recordings: Vec<Vec<f32>>,
    labels: Option<Vec<u32>>,
    class_names: Vec<String>,
}

impl Sound {
    /// Recordings of `rate` samples a second.
    ///
    /// # Errors
    /// A rate of 0, or a sample that is not finite.
    pub fn new(rate: u32, recordings: Vec<Vec<f32>>) -> Result<Self, DataError> {
        if rate == 0 {
            return Err(DataError::part("rate", "1 or more", rate));
        }
        if let Some(v) = recordings.iter().flatten().find(|v| !v.is_finite()) {
            return Err(DataError::part("recordings", "finite samples", v));
        }
        Ok(Self { rate, recordings, labels: None, class_names: Vec::new() })
    }

    /// The same with a class for each recording.
    ///
    /// # Errors
    /// Another number of labels than recordings, or a label without a name.
    pub fn with_labels(mut self, labels: Vec<u32>, names: Vec<String>) -> Result<Self, DataError> {
        if labels.len() != self.recordings.len() {
            let expected = format!("one a recording ({})", self.recordings.len());
            return Err(DataError::part("labels", expected, labels.len()));
        }
        if let Some(label) = labels.iter().find(|&&l| l as usize >= names.len()) {
            return Err(DataError::part("labels", format!("below {}", names.len()), label));
        }
        (self.labels, self.class_names) = (Some(labels), names);
        Ok(self)
    }

    /// Samples a second.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// The samples of each recording.
    pub fn recordings(&self) -> &[Vec<f32>] {
        &self.recordings
    }

    /// The class of each recording.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// Names of the classes; empty where there are none.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }
}

impl Items for Sound {
    fn len(&self) -> usize {
        self.recordings.len()
    }

    fn select(&self, rows: &[usize]) -> Self {
        Self {
            rate: self.rate,
            recordings: rows.iter().map(|&r| self.recordings[r].clone()).collect(),
            labels: self.labels.as_ref().map(|l| rows.iter().map(|&r| l[r]).collect()),
            class_names: self.class_names.clone(),
        }
    }

    fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else {
            return Err(DataError::part("parts", "one or more", 0));
        };
        for part in parts {
            if part.rate != all.rate {
                return Err(DataError::part("parts", format!("of rate {}", all.rate), part.rate));
            }
            if part.labels.is_some() != all.labels.is_some() || part.class_names != all.class_names
            {
                let expected = format!("of the classes {:?}", all.class_names);
                return Err(DataError::part("parts", expected, format!("{:?}", part.class_names)));
            }
            all.recordings.extend(part.recordings);
            if let (Some(all), Some(labels)) = (&mut all.labels, part.labels) {
                all.extend(labels);
            }
        }
        Ok(all)
    }

    fn sha256(&self) -> String {
        let mut hash = Hasher::new(Modality::Sound);
        hash.number(u64::from(self.rate));
        hash.number(self.recordings.len() as u64);
        for recording in &self.recordings {
            hash.floats(recording.iter().map(|&v| f64::from(v)));
        }
        hash.labels(self.labels());
        hash.texts(&self.class_names);
        hash.finish()
    }

    fn describe(&self) -> Value {
        let samples: usize = self.recordings.iter().map(Vec::len).sum();
        let lengths = || self.recordings.iter().map(Vec::len);
        let peak = self.recordings.iter().flatten().fold(0f32, |peak, v| peak.max(v.abs()));
        let mut out = json!({
            "modality": "sound",
            "examples": self.len(),
            "rate": self.rate,
            "seconds": samples as f64 / f64::from(self.rate),
            "shortest": lengths().min(),
            "longest": lengths().max(),
            "peak": peak,
        });
        if let Some(labels) = &self.labels {
            out["classes"] = class_counts(labels, &self.class_names);
        }
        out["sha256"] = self.sha256().into();
        out
    }

    /// `.wav` of 16 bits, for one recording; without an ending: a folder of a file a recording, with a
    /// folder for each class where there are classes.
    fn write(&self, path: &Path) -> Result<(), DataError> {
        crate::read::sound::write(path, self)
    }
}

//! `ln p(second half | first half)` of a document.

use pyrogen_core::{Draws, Noise};

use super::left_to_right::shuffled;
use crate::{Corpus, TopicError, Topics};

impl Topics {
    /// Document completion: for each document the log-probability of half of its words, given the
    /// shares of topics that the other half says, in nats, with the number of words it is of:
    ///
    /// ```text
    /// Σ_{w in second half} ln Σ_k θ_k topic_kw,   θ_k = gamma_k / Σ gamma of the first half
    /// ```
    ///
    /// The halves are random; of an odd number of words the first has one more. So a document of one
    /// word has 0 of 0 words. The perplexity is `exp(-Σ nats / Σ words)`.
    ///
    /// # Errors
    /// Documents of another vocabulary.
    ///
    /// # References
    /// Wallach, Murray, Salakhutdinov and Mimno (2009), section 5; Asuncion, Welling, Smyth and Teh
    /// (2009), section 5.
    pub fn completion(
        &self,
        corpus: &Corpus,
        noise: &Noise,
    ) -> Result<Vec<(f64, u64)>, TopicError> {
        self.check(corpus)?;
        let noise = noise.fork("completion");
        let halves = Self::each(corpus, |d, document| {
            let mut words = shuffled(document, &mut Draws::item(&noise, d as u64));
            let second = words.split_off(words.len().div_ceil(2));
            (words.into_iter().map(|w| (w, 1)).collect::<Vec<_>>(), second)
        });
        let (first, second): (Vec<_>, Vec<_>) = halves.into_iter().unzip();
        let shares = self.shares(&Corpus::new(self.words(), &first)?)?;
        let weights = self.weights();
        let one = |(words, shares): (&Vec<u32>, &Vec<f64>)| {
            let p = |w: &u32| shares.iter().zip(weights.row(*w as usize)).map(|(s, p)| s * p).sum();
            let nats = words.iter().map(|w| f64::ln(p(w))).sum();
            (nats, words.len() as u64)
        };
        Ok(second.iter().zip(&shares).map(one).collect())
    }
}

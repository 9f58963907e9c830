//! What is the same for chains that predict one symbol after the other.

use pyrogen_core::{Draws, Noise};

use super::{Context, Counts};
use crate::MarkovError;

/// A chain that is walked along.
pub(super) trait Walk {
    /// What it counted.
    fn counts(&self) -> &Counts;

    /// The probability of a symbol in a context.
    fn of(&self, context: &Context, symbol: u32) -> f64;

    /// A symbol drawn in a context; none where nothing can follow.
    fn one(&self, context: &Context, draws: &mut Draws) -> Option<u32>;

    /// `ln p` of each symbol, and of the end where the chain has one.
    fn logs(&self, sequence: &[u32]) -> Result<Vec<f64>, MarkovError> {
        let counts = self.counts();
        counts.check(sequence)?;
        let mut context = counts.start();
        let all = sequence.iter().copied().chain(counts.end());
        Ok(all
            .map(|symbol| {
                let p = self.of(&context, symbol);
                counts.advance(&mut context, symbol);
                p.ln()
            })
            .collect())
    }

    /// At most `longest` symbols after `start`, with `start` before them.
    fn made(
        &self,
        noise: &Noise,
        item: usize,
        start: &[u32],
        longest: usize,
    ) -> Result<Vec<u32>, MarkovError> {
        let counts = self.counts();
        let mut context = counts.context(start)?;
        let mut draws = Draws::item(&noise.fork("chain"), item as u64);
        let mut made = start.to_vec();
        while made.len() < start.len() + longest {
            let Some(symbol) = self.one(&context, &mut draws) else { break };
            if Some(symbol) == counts.end() {
                break;
            }
            made.push(symbol);
            counts.advance(&mut context, symbol);
        }
        Ok(made)
    }
}

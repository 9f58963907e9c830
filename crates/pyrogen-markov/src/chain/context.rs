//! [`Context`]: where a chain is in its counts.

use super::counts::Counts;
use crate::MarkovError;

/// The symbols before, as places in the counts: one for every length of context that was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// `places[n]`: the run of the last `n + 1` symbols.
    pub(super) places: Vec<Option<u32>>,
}

impl Counts {
    /// The context at the beginning of a sequence.
    pub fn start(&self) -> Context {
        let mut context = Context { places: vec![None; self.order] };
        if let Some(begin) = self.begin() {
            self.advance(&mut context, begin);
        }
        context
    }

    /// Moves a context on by one symbol. After one that was never seen, no context is known.
    pub fn advance(&self, context: &mut Context, symbol: u32) {
        for n in (0..context.places.len()).rev() {
            let range = match n {
                0 => Some(0..self.levels[0].len()),
                n => context.places[n - 1].and_then(|i| self.children(n - 1, i as usize)),
            };
            let place = range.and_then(|range| self.among(n, range, symbol));
            context.places[n] = place.map(|i| i as u32);
        }
    }

    /// The context after these symbols at the beginning of a sequence.
    ///
    /// # Errors
    /// A symbol that the model does not have.
    pub fn context(&self, before: &[u32]) -> Result<Context, MarkovError> {
        self.check(before)?;
        let mut context = self.start();
        before.iter().for_each(|symbol| self.advance(&mut context, *symbol));
        Ok(context)
    }

    /// Refuses symbols that the counts do not have.
    pub(super) fn check(&self, sequence: &[u32]) -> Result<(), MarkovError> {
        let symbols = self.symbols;
        match sequence.iter().position(|s| *s >= symbols) {
            None => Ok(()),
            Some(step) => {
                let (symbol, symbols) = (sequence[step], symbols as usize);
                Err(MarkovError::Symbol { sequence: 0, step, symbol, symbols })
            }
        }
    }

    /// What followed the last `n` symbols, on level `n`.
    pub(super) fn followers(&self, context: &Context, n: usize) -> Option<std::ops::Range<usize>> {
        let range = match n {
            0 => self.first(),
            n => self.children(n - 1, context.places[n - 1]? as usize)?,
        };
        (!range.is_empty()).then_some(range)
    }
}

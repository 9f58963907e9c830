//! Sequences of one prompt that are written side by side.

use burn::tensor::Tensor;
use rayon::prelude::*;

use super::choose::uniform;
use super::item::Item;
use super::{Completion, Decoder, kept};
use crate::batch::int_tensor;
use crate::language::{LanguageModel, Start};
use crate::sampling::probabilities;
use crate::{DecodeError, Packed};

/// Tokens of a vocabulary that is worth a thread.
const SHARED: usize = 2048;

/// Sequences of one prompt that are written side by side.
pub struct Run<'m, N: LanguageModel> {
    decoder: Decoder<'m, N>,
    items: Vec<Item>,
    /// The items that are not finished, in the order of the state's rows; more rows repeat the last.
    live: Vec<usize>,
    rows: usize,
    state: N::State,
    /// Tokens in the state.
    read: usize,
    /// Of each row, where the state was read and nothing was drawn yet.
    logits: Vec<f32>,
}

impl<'m, N: LanguageModel> Run<'m, N> {
    pub(super) fn new(
        decoder: Decoder<'m, N>,
        prompt: &str,
        numbers: Vec<u64>,
    ) -> Result<Self, DecodeError> {
        assert!(!numbers.is_empty(), "Run: no items");
        let tokens = decoder.framed(prompt)?;
        let most = decoder.most(tokens.len());
        let item = |number| decoder.item(number, tokens.clone(), most);
        let items = numbers.into_iter().map(item).collect::<Result<Vec<_>, _>>()?;
        // A constraint may admit the empty text alone; then no item is live.
        let live: Vec<usize> = (0..items.len()).filter(|&i| items[i].finish.is_none()).collect();
        let network = decoder.model.network();
        let context = network.context().unwrap_or(usize::MAX);
        let part = match tokens.len() > context {
            true => &tokens[tokens.len() - kept(context)..],
            false => &tokens[..],
        };
        let (unit, read) = (network.unit(), part.len());
        let longest = read.saturating_add(decoder.settings.most).min(context);
        let several = network.sources() > 1;
        assert!(!several || network.sources() == items.len(), "Run: one item a source");
        let begun = if several { items.len().next_multiple_of(unit) } else { unit };
        let mut state = network.start(Start { rows: begun, longest });
        let logits = network.advance(&Packed::new(part.repeat(begun), read), &mut state);
        let rows = live.len().next_multiple_of(unit).max(unit);
        // Without several sources all items begin with the first row.
        let row = |&i: &usize| if several { i as u32 } else { 0 };
        let mut from: Vec<u32> = live.iter().map(row).collect();
        from.resize(rows, from.last().copied().unwrap_or(0));
        network.select(&mut state, &int_tensor(&from, [rows], &network.device()));
        let (logits, vocabulary) = (host(logits), network.vocabulary());
        let of = |&row: &u32| &logits[row as usize * vocabulary..][..vocabulary];
        let logits = from.iter().flat_map(of).copied().collect();
        Ok(Self { decoder, items, live, rows, state, read, logits })
    }

    /// Draws one token for each item that is not finished, and reads it; whether there is more to do.
    ///
    /// # Errors
    /// Logits that are no numbers.
    pub fn step(&mut self) -> Result<bool, DecodeError> {
        if self.live.is_empty() {
            return Ok(false);
        }
        self.draw()?;
        let network = self.decoder.model.network();
        let finished: Vec<bool> =
            self.live.iter().map(|&i| self.items[i].finish.is_some()).collect();
        let still: Vec<usize> = (0..self.live.len()).filter(|&row| !finished[row]).collect();
        if still.is_empty() {
            self.live.clear();
            return Ok(false);
        }
        let rows = still.len().next_multiple_of(network.unit());
        if rows < self.rows {
            let mut from: Vec<u32> = still.iter().map(|&row| row as u32).collect();
            from.resize(rows, from[still.len() - 1]);
            let from = int_tensor(&from, [rows], &network.device());
            network.select(&mut self.state, &from);
            self.live = still.iter().map(|&row| self.live[row]).collect();
            self.rows = rows;
        }
        self.read_on();
        Ok(true)
    }

    /// Draws a token for each open item; of large vocabularies the rows share the cores.
    fn draw(&mut self) -> Result<(), DecodeError> {
        let decoder = &self.decoder;
        let vocabulary = decoder.model.network().vocabulary();
        let mut items: Vec<Option<&mut Item>> = self.items.iter_mut().map(Some).collect();
        let rows = self.live.iter().zip(self.logits.chunks_mut(vocabulary));
        let open = rows.filter_map(|(&i, logits)| {
            let item = items[i].take().expect("an item has one row");
            item.finish.is_none().then_some((item, logits))
        });
        let mut open: Vec<(&mut Item, &mut [f32])> = open.collect();
        let draw = |(item, logits): &mut (&mut Item, &mut [f32])| -> Result<(), DecodeError> {
            let plain = probabilities(logits).ok_or(DecodeError::NoToken)?;
            decoder.weigh(logits, item);
            let uniform = uniform(&decoder.noise, item.number, item.written());
            let (token, _) = decoder.settings.chain.draw(logits, uniform, &mut item.memory)?;
            decoder.take(item, token, -plain[token as usize].ln());
            Ok(())
        };
        match vocabulary >= SHARED {
            true => open.par_iter_mut().try_for_each(draw),
            false => open.iter_mut().try_for_each(draw),
        }
    }

    /// Reads the last token of each row; where the context is full, from the last part of it anew.
    fn read_on(&mut self) {
        let network = self.decoder.model.network();
        let context = network.context().unwrap_or(usize::MAX);
        let mut places = 1;
        if self.read == context {
            places = kept(context);
            self.state = network.start(Start { rows: self.rows, longest: context });
            self.read = 0;
        }
        let mut tokens = Vec::with_capacity(self.rows * places);
        let open = |&&i: &&usize| self.items[i].finish.is_none();
        let other = *self.live.iter().find(open).expect("an item that goes on");
        for row in 0..self.rows {
            // Nobody looks at the other rows.
            let i = self.live.get(row).filter(open).copied().unwrap_or(other);
            let item = &self.items[i];
            tokens.extend_from_slice(&item.tokens[item.tokens.len() - places..]);
        }
        self.logits = host(network.advance(&Packed::new(tokens, places), &mut self.state));
        self.read += places;
    }

    /// Text of an item that was not given out yet and no longer changes.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn fresh(&mut self, item: usize) -> String {
        self.items[item].fresh(&self.decoder.settings.stop)
    }

    /// What was written, item by item.
    pub fn completions(self) -> Vec<Completion> {
        self.items.into_iter().map(Item::completion).collect()
    }
}

/// The numbers of a tensor.
pub(super) fn host(x: Tensor<2>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
}

//! The language model of the targets of given sources.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use pyrogen_core::Noise;

use super::{Cross, each_place};
use crate::Packed;
use crate::batch::int_tensor;
use crate::language::{Dropout, LanguageModel, Start};
use crate::transformer::{Cache, Gpt, View};

/// What a decoder sees of some sources: keys and values of each of its blocks, computed once.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Of each block keys and values, `[keys, sources, width]`.
    pub(super) layers: Vec<[Tensor<3>; 2]>,
    /// The first key that is seen, a source.
    pub(super) padding: Vec<u32>,
}

impl Sources {
    /// Some of the sources, in this order.
    fn select(&self, rows: &[u32]) -> Self {
        let device = self.layers[0][0].device();
        let index = int_tensor(rows, [rows.len()], &device);
        let layer = |[k, v]: &[Tensor<3>; 2]| [k, v].map(|x| x.clone().select(1, index.clone()));
        Self {
            layers: self.layers.iter().map(layer).collect(),
            padding: rows.iter().map(|&row| self.padding[row as usize]).collect(),
        }
    }
}

/// A decoder with the sources that it writes under: a language model of their targets. So all that
/// decodes a language model ([`Decoder`](crate::Decoder)) decodes this one.
///
/// Of one source every row goes on from it; of several, row `i` belongs to source `i`.
#[derive(Module, Debug)]
pub struct Conditioned {
    decoder: Gpt,
    cross: Vec<Cross>,
    #[module(skip)]
    sources: Arc<Sources>,
}

/// What is kept of targets that were read.
#[derive(Debug, Clone)]
pub struct State {
    own: Cache,
    /// Of each row.
    sources: Sources,
}

impl Conditioned {
    pub(super) fn new(decoder: Gpt, cross: Vec<Cross>, sources: Sources) -> Self {
        Self { decoder, cross, sources: Arc::new(sources) }
    }

    /// The sources of so many rows; those beyond are the last one's.
    fn of_rows(&self, rows: usize) -> Sources {
        let last = self.sources.padding.len() - 1;
        let rows: Vec<u32> = (0..rows).map(|row| row.min(last) as u32).collect();
        self.sources.select(&rows)
    }
}

impl LanguageModel for Conditioned {
    type State = State;

    fn vocabulary(&self) -> usize {
        self.decoder.vocabulary()
    }

    fn context(&self) -> Option<usize> {
        self.decoder.context()
    }

    fn training_context(&self) -> usize {
        self.decoder.training_context()
    }

    fn ends(&self) -> bool {
        true
    }

    fn sources(&self) -> usize {
        self.sources.padding.len()
    }

    fn device(&self) -> Device {
        self.decoder.device()
    }

    fn unit(&self) -> usize {
        self.decoder.unit()
    }

    fn dropout(&self, _: [usize; 2], _: &mut Noise) -> Dropout {
        // The whole network is trained, and this part of it is not.
        Dropout::default()
    }

    fn logits(&self, rows: &Packed, _: &Dropout) -> Tensor<3> {
        let longest = rows.places();
        self.read(rows, &mut self.start(Start { rows: rows.rows(), longest }))
    }

    fn start(&self, start: Start) -> State {
        State { own: self.decoder.start(start), sources: self.of_rows(start.rows) }
    }

    fn represent(&self, tokens: &Packed, state: &mut State) -> Tensor<3> {
        let (decoder, own) = (&self.decoder, &mut state.own);
        decoder.check(tokens, own.read);
        assert!(tokens.first().is_none(), "Conditioned: a row is one target");
        let positions: Vec<u32> =
            tokens.positions().iter().map(|place| place + own.read as u32).collect();
        let config = decoder.config();
        let rotation = config.rotation(&positions);
        let heads = config.attention_heads(true, None);
        let view = View { rotation: rotation.as_ref(), heads: &heads };
        let first = Some(each_place(&state.sources.padding, tokens.places()));
        let to_source = config.attention_heads(false, first);
        let mut x = decoder.embed(tokens, &positions);
        let layers = decoder.blocks.iter().zip(&self.cross).zip(&state.sources.layers);
        for (((block, cross), keys), cache) in layers.zip(&mut own.layers) {
            x = block.attended_cached(x, view, cache);
            x = cross.read(x, keys, &to_source);
            x = block.fed(x, &Dropout::default(), 0);
        }
        own.read += tokens.places();
        decoder.norm.forward(x)
    }

    fn predict(&self, features: Tensor<3>) -> Tensor<3> {
        self.decoder.predict(features)
    }

    fn rewind(&self, state: &mut State, read: usize) -> bool {
        self.decoder.rewind(&mut state.own, read)
    }

    fn select(&self, state: &mut State, rows: &Tensor<1, Int>) {
        self.decoder.select(&mut state.own, rows);
        let count = rows.dims()[0];
        if self.sources() > 1 {
            let rows: Vec<u32> = rows.to_data().iter::<i64>().map(|row| row as u32).collect();
            state.sources = state.sources.select(&rows);
        } else if count != state.sources.padding.len() {
            // All rows are of one source.
            state.sources = self.of_rows(count);
        }
    }

    fn finished(self) -> Self {
        self
    }
}

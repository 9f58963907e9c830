//! What every language model can do.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Device, Int, Tensor};
use pyrogen_core::{HiddenMatrix, Noise};

use crate::Packed;

/// What a step of training leaves out: factors of zero or `1 / (1 - dropout)` for the features at each
/// place of the network that has them.
#[derive(Debug, Clone, Default)]
pub struct Dropout(Vec<Tensor<3>>);

impl Dropout {
    /// Factors for `sites` places of the network, each `[rows, places, width]`.
    pub fn draw(
        dropout: f64,
        sites: usize,
        shape: [usize; 3],
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        if dropout == 0.0 {
            return Self::default();
        }
        let kept = 1.0 / (1.0 - dropout);
        let factors = |_| {
            let u = noise.uniform(shape, device);
            u.greater_equal_scalar(dropout).float() * kept
        };
        Self((0..sites).map(factors).collect())
    }

    /// What is left of the features at a place of the network.
    pub(crate) fn apply(&self, site: usize, x: Tensor<3>) -> Tensor<3> {
        match self.0.get(site) {
            Some(factors) => x * factors.clone(),
            None => x,
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

/// The beginning of a sequence.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// Sequences side by side.
    pub rows: usize,
    /// Tokens that they have at most.
    pub longest: usize,
}

/// A network that gives the logits of the next token.
pub trait LanguageModel: Module + ModuleDisplay + Sync {
    /// What is kept of sequences that were read.
    type State: Clone + Send;

    /// Number of tokens.
    fn vocabulary(&self) -> usize;

    /// Tokens that are read at most; None for no limit.
    fn context(&self) -> Option<usize>;

    /// Tokens of a row of training.
    fn training_context(&self) -> usize;

    /// Whether texts end.
    fn ends(&self) -> bool;

    /// Texts that the network writes under, each in rows of its own: above 1, row `i` of a new state
    /// belongs to source `i`, and rows beyond to the last one.
    fn sources(&self) -> usize {
        1
    }

    /// The share of documents that were rearranged in training; above 0 the network fills gaps.
    fn infill(&self) -> f64 {
        0.0
    }

    /// Where the network computes.
    fn device(&self) -> Device;

    /// Rows of a batch are a multiple of this, so that no row depends on the others to the last bit:
    /// one row has a matrix product of its own, and the last numbers of an array that does not fill
    /// the processor's vectors are rounded otherwise.
    fn unit(&self) -> usize;

    /// The factors that a step of training leaves features out by.
    fn dropout(&self, shape: [usize; 2], noise: &mut Noise) -> Dropout;

    /// Logits of the token behind each.
    ///
    /// # Shapes
    /// `[rows, places, vocabulary]`.
    ///
    /// # Panics
    /// If a row is longer than the context, or a token is out of range.
    fn logits(&self, rows: &Packed, dropout: &Dropout) -> Tensor<3>;

    /// The state before anything was read.
    fn start(&self, start: Start) -> Self::State;

    /// Reads on, and gives the features behind each token that the last layer reads.
    ///
    /// # Shapes
    /// `[rows, places, width]`.
    ///
    /// # Panics
    /// If there are other rows than in the state, the sequences become longer than the state has room
    /// for, or the device tracks gradients.
    fn represent(&self, tokens: &Packed, state: &mut Self::State) -> Tensor<3>;

    /// The logits of such features.
    ///
    /// # Shapes
    /// `[rows, places, vocabulary]`.
    fn predict(&self, features: Tensor<3>) -> Tensor<3>;

    /// Reads on, and gives the logits of the token behind each.
    ///
    /// # Shapes
    /// As [`logits`](Self::logits), of the new tokens.
    ///
    /// # Panics
    /// As [`represent`](Self::represent).
    fn read(&self, tokens: &Packed, state: &mut Self::State) -> Tensor<3> {
        self.predict(self.represent(tokens, state))
    }

    /// As [`read`](Self::read), of the last token alone: `[rows, vocabulary]`. The last layer is
    /// computed for no other.
    fn advance(&self, tokens: &Packed, state: &mut Self::State) -> Tensor<2> {
        let features = self.represent(tokens, state);
        let logits = self.predict(features.narrow(1, tokens.places() - 1, 1));
        logits.reshape([tokens.rows(), self.vocabulary()])
    }

    /// Forgets what was read behind the first `read` tokens; false where the network cannot.
    ///
    /// # Panics
    /// If fewer tokens were read.
    fn rewind(&self, _state: &mut Self::State, _read: usize) -> bool {
        false
    }

    /// Goes on with some of the sequences, in this order.
    fn select(&self, state: &mut Self::State, rows: &Tensor<1, Int>);

    /// The matrices that map features to features, which Muon takes.
    fn hidden_matrices(&self) -> Vec<HiddenMatrix> {
        HiddenMatrix::inner(self)
    }

    /// Further files of its model folder: their names and bytes.
    fn beside(&self) -> Vec<(&'static str, Vec<u8>)> {
        Vec::new()
    }

    /// The model as it is to be used: without adapters.
    fn finished(self) -> Self;
}

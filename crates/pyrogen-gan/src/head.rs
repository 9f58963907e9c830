//! The end of a discriminator: from maps to a verdict.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::Noise;

use crate::dual::Dual;
use crate::given::Given;
use crate::layers::{Dense, Held};
use crate::minibatch::with_deviation;
use pyrogen_core::config::count::{product, sum};
use serde::{Deserialize, Serialize};

/// How the discriminator reads the class. The generator reads it beside its latents (dense
/// networks), or chooses by it scale and shift of each batch normalisation (convolutions).
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Conditioning {
    /// A vector of the class, multiplied with what the discriminator saw, is added to the logit
    /// (Miyato and Koyama 2018, eq. 4).
    #[default]
    Projection,
    /// The discriminator also names the class, and both players want it right (Odena, Olah and Shlens
    /// 2017): the discriminator of real examples, the generator of its own.
    Auxiliary {
        /// Weight of the cross entropy of the class in both losses.
        weight: f64,
    },
}

/// What a discriminator says of examples.
pub(crate) struct Verdict {
    /// Real (above 0) or made, `[batch, places]`.
    pub logits: Dual<2>,
    /// Of which class, `[batch, classes]`, where an auxiliary classifier says so.
    pub classes: Option<Tensor<2>>,
    /// What was seen before the last layer, `[batch, features]`.
    pub features: Tensor<2>,
}

/// How a head is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadConfig {
    /// Channels, height and width of the maps.
    pub maps: [usize; 3],
    /// Whether places are added up before the last layers; else they see each.
    pub pooled: bool,
    /// Whether the deviation over the batch is one more channel.
    pub deviation: bool,
    /// Number of classes; 0 for none.
    pub classes: usize,
    /// How the class is read.
    pub conditioning: Conditioning,
    /// How weights are held.
    pub spectral: bool,
}

impl HeadConfig {
    fn channels(&self) -> usize {
        self.maps[0].saturating_add(usize::from(self.deviation))
    }

    /// Widths of the logit's layer, the classes' vectors, and the classifier.
    fn widths(&self) -> ([usize; 2], Option<[usize; 2]>, Option<[usize; 2]>) {
        let channels = self.channels();
        let seen =
            if self.pooled { channels } else { product(&[channels, self.maps[1], self.maps[2]]) };
        let (projection, classifier) = match self.conditioning {
            _ if self.classes == 0 => (None, None),
            Conditioning::Projection => (Some([self.classes, seen]), None),
            Conditioning::Auxiliary { .. } => (None, Some([seen, self.classes])),
        };
        ([seen, 1], projection, classifier)
    }

    fn held(&self, bias: bool) -> Held {
        Held { spectral: self.spectral, bias }
    }

    pub fn num_params(&self) -> usize {
        let (logit, projection, classifier) = self.widths();
        sum([
            Dense::num_params(logit, self.held(true)),
            projection.map_or(0, |w| Dense::num_params(w, self.held(false))),
            classifier.map_or(0, |w| Dense::num_params(w, self.held(true))),
        ])
    }

    pub fn init(&self, noise: &mut Noise, device: &Device) -> Head {
        let (logit, projection, classifier) = self.widths();
        Head {
            logit: Dense::new(logit, self.held(true), noise, device),
            projection: projection.map(|w| Dense::new(w, self.held(false), noise, device)),
            classifier: classifier.map(|w| Dense::new(w, self.held(true), noise, device)),
            pooled: self.pooled,
            deviation: self.deviation,
        }
    }
}

/// A logit, with what classes add to it.
///
/// ```text
/// projection  logit = f(seen) + <vector of the class, seen>
/// auxiliary   logit = f(seen), and logits of classes from it
/// ```
///
/// What is seen is the sum of the maps over places for a deep network, each of whose places has seen the
/// whole picture, and all places of a shallow one: places that have seen a few pixels each, added up,
/// would not tell one digit from another.
///
/// (Miyato and Koyama 2018, eq. 4; Odena, Olah and Shlens 2017.)
#[derive(Module, Debug)]
pub(crate) struct Head {
    logit: Dense,
    projection: Option<Dense>,
    classifier: Option<Dense>,
    #[module(skip)]
    pooled: bool,
    #[module(skip)]
    deviation: bool,
}

impl Head {
    /// `maps` is `[batch, channels, height, width]`. Derivatives go to the logits alone.
    pub fn forward(&self, maps: Dual<4>, given: &Given) -> Verdict {
        let features = maps.value.clone().flatten(1, 3);
        let maps = if self.deviation { with_deviation(maps) } else { maps };
        let [batch, channels, ..] = maps.value.dims();
        let seen = maps.linear(|x| match self.pooled {
            true => x.sum_dim(3).sum_dim(2).reshape([batch, channels]),
            false => x.flatten(1, 3),
        });
        let mut logits = self.logit.forward(seen.clone());
        if let (Some(layer), Some(classes)) = (&self.projection, &given.classes) {
            let vectors = layer.forward(Dual::plain(classes.clone())).value;
            logits = logits + seen.clone().linear(|x| (x * vectors.clone()).sum_dim(1));
        }
        let classes = self.classifier.as_ref();
        let classes = classes.map(|layer| layer.forward(Dual::plain(seen.value)).value);
        Verdict { logits, classes, features }
    }

    /// After one more step of the power iteration.
    pub fn iterate(mut self) -> Self {
        self.logit = self.logit.iterate();
        self.projection = self.projection.map(Dense::iterate);
        self.classifier = self.classifier.map(Dense::iterate);
        self
    }
}

//! Models of float events behind the door: one adapter for VAEs, GANs, diffusion models and flows.
//!
//! A family loads its model, says what it can do by the capability traits of `pyrogen-core`, and
//! [`TensorModel`] makes of them the objects that speak in raw units: it prepares data, finds
//! conditions, cuts work into batches for all cores, and takes samples back to raw units.

mod complete;
mod condition;
mod frame;
mod generate;
mod given;
mod inspect;
mod latent;
mod rank;
mod score;
mod vary;

use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::folder::{Card, ModelFolder};
use pyrogen_core::{Decode, DecoderOutput, Describe, Encode, Inpaint, Rank, Sample, Score, Vary};
use pyrogen_data::Modality;

pub use condition::Conditions;
pub use frame::Frame;
pub use given::GivenColumns;
pub use inspect::{InspectBatches, latent_finding};
pub use score::ScorePolicy;

use crate::{Ability, About, Capabilities, Error, LatentKind, Model, OptionSpec, Options};

/// Makes the model that a request's options ask for: the same, or one with another sampler.
pub(crate) type Configure<M> =
    Arc<dyn Fn(&Arc<M>, &Options) -> Result<Arc<M>, Error> + Send + Sync>;

/// A model of float events on its way to the door. `M` has the capabilities of `pyrogen-core` on
/// flat events, `[batch, features]`.
pub struct TensorModel<M> {
    model: Arc<M>,
    frame: Frame,
    card: Card,
    path: std::path::PathBuf,
    parameters: usize,
    method: String,
    sampling: Vec<OptionSpec>,
    configure: Configure<M>,
    output: Option<DecoderOutput>,
    can: Capabilities,
    reasons: Vec<(Ability, String)>,
}

impl<M: Describe + Send + Sync + 'static> TensorModel<M> {
    /// A loaded model with the preparation and context that its card names. `density` says whether
    /// its likelihood is a density of prepared values, which the preparation's log-determinant
    /// turns into one of raw values, or a probability, which no change of units touches.
    ///
    /// # Errors
    /// A card whose preparation or context cannot be read, or does not fit the model.
    pub fn new(
        model: M,
        parameters: usize,
        density: bool,
        folder: &ModelFolder,
        device: &Device,
    ) -> Result<Self, Error> {
        let frame = Frame::open(&model, density, folder, device)?;
        Ok(Self {
            model: Arc::new(model),
            frame,
            card: folder.card().clone(),
            path: folder.path().to_path_buf(),
            parameters,
            method: folder.card().family.clone(),
            sampling: Vec::new(),
            configure: Arc::new(|model, _| Ok(model.clone())),
            output: None,
            can: Capabilities::default(),
            reasons: Vec::new(),
        })
    }

    /// The method, where several share what the folder calls one family.
    pub fn method(mut self, method: &str) -> Self {
        self.method = method.to_string();
        self
    }

    /// Options of everything that makes items, and the model that they ask for. Comes before the
    /// capabilities that it is for.
    pub fn sampling(
        mut self,
        options: Vec<OptionSpec>,
        configure: impl Fn(&Arc<M>, &Options) -> Result<Arc<M>, Error> + Send + Sync + 'static,
    ) -> Self {
        self.sampling = options;
        self.configure = Arc::new(configure);
        self
    }

    /// Its decoder gives a distribution over examples: items are means of pictures, and draws of
    /// everything else, where a request does not ask otherwise (`output`). `means` says that the decoder
    /// was trained without noise, so that means are what it makes. Comes before the capabilities that it
    /// is for.
    pub fn decoder(mut self, means: bool) -> Self {
        let pictures = self.frame.layout().modality() == Modality::Pictures;
        let means = means || pictures;
        self.output = Some(if means { DecoderOutput::Mean } else { DecoderOutput::Draw });
        self
    }

    /// It draws new items.
    pub fn generate(mut self) -> Self
    where
        M: Sample<2>,
    {
        self.can.generate = Some(Arc::new(generate::TensorGenerate {
            model: self.model.clone(),
            frame: self.frame.clone(),
            sampling: self.sampling.clone(),
            configure: self.configure.clone(),
            output: self.output,
        }));
        self
    }

    /// It draws the columns that it has learnt, given those that are their condition: it completes rows and
    /// says how their missing cells are distributed, by draws. Comes after [`generate`](Self::generate).
    /// Without such columns it can do neither, and says why.
    pub fn given(mut self) -> Self {
        let (Some(generate), Some(_)) = (&self.can.generate, self.frame.given()) else {
            let why = "it was trained without columns that are a condition of the others: name them \
                       (conditions=[\"age\"]) when you train";
            return self.because(Ability::Complete, why).because(Ability::Query, why);
        };
        let ask =
            Arc::new(given::AskGiven { generate: generate.clone(), frame: self.frame.clone() });
        self.can.complete = Some(ask.clone());
        self.can.query = Some(ask);
        self
    }

    /// It makes items like given ones.
    pub fn vary(mut self) -> Self
    where
        M: Vary<2>,
    {
        self.can.vary = Some(Arc::new(vary::TensorVary {
            model: self.model.clone(),
            frame: self.frame.clone(),
            sampling: self.sampling.clone(),
            configure: self.configure.clone(),
        }));
        self
    }

    /// It fills in hidden parts of items.
    pub fn complete(mut self) -> Self
    where
        M: Inpaint<2>,
    {
        self.can.complete = Some(Arc::new(complete::TensorComplete {
            model: self.model.clone(),
            frame: self.frame.clone(),
            sampling: self.sampling.clone(),
            configure: self.configure.clone(),
        }));
        self
    }

    /// It says how probable items are.
    pub fn score(mut self, policy: ScorePolicy) -> Self
    where
        M: Score<2>,
    {
        let (model, frame) = (self.model.clone(), self.frame.clone());
        let score = score::TensorScore { model, frame, policy, by_density: false };
        self.can.score = Some(Arc::new(score));
        self
    }

    /// It has a density of prepared values, by an ODE. Where these fill their space it says how probable
    /// items are: a lower bound for whole numbers, which are spread by noise. Where rows hold indicators
    /// it says how unusual they are, and no likelihood: a density of indicators has no upper bound, and
    /// better models come nearer to infinity.
    pub fn density(mut self, policy: ScorePolicy) -> Self
    where
        M: Score<2>,
    {
        let (model, frame) = (self.model.clone(), self.frame.clone());
        let score = score::TensorScore { model, frame, policy, by_density: true };
        if self.frame.preparation().has_indicators() {
            self.can.rank = Some(Arc::new(score::DensityRank { score }));
            return self.because(
                Ability::Score,
                "its density of categories, of numbers that recur and of missing cells has no upper \
                 bound and is no likelihood: rank rows by `anomaly`, or score them with a VAE",
            );
        }
        self.can.score = Some(Arc::new(score));
        self.because(Ability::Rank, "it has a likelihood, which ranks items")
    }

    /// It says how unusual items are.
    pub fn rank(mut self) -> Self
    where
        M: Rank<2>,
    {
        let (model, frame) = (self.model.clone(), self.frame.clone());
        self.can.rank = Some(Arc::new(rank::TensorRank { model, frame }));
        self
    }

    /// It encodes and decodes.
    pub fn latent(mut self, kind: LatentKind) -> Self
    where
        M: Encode<2> + Decode<2>,
    {
        let (model, frame, output) = (self.model.clone(), self.frame.clone(), self.output);
        self.can.latent = Some(Arc::new(latent::TensorLatent { model, frame, kind, output }));
        self
    }

    /// It says what it has learnt, by a function of batches of held-out items.
    pub fn inspect(
        mut self,
        find: impl Fn(&M, &InspectBatches) -> Result<Vec<crate::Finding>, Error> + Send + Sync + 'static,
    ) -> Self {
        let (model, frame) = (self.model.clone(), self.frame.clone());
        let find = Arc::new(find);
        self.can.inspect = Some(Arc::new(inspect::TensorInspect { model, frame, find }));
        self
    }

    /// Why an ability is not there, and what to do instead.
    pub fn because(mut self, ability: Ability, why: impl Into<String>) -> Self {
        self.reasons.push((ability, why.into()));
        self
    }

    /// The model as the door has it.
    pub fn build(self) -> Model {
        let about = About {
            family: self.card.family.clone(),
            method: self.method,
            modality: self.frame.layout().modality(),
            parameters: self.parameters,
            classes: self.frame.class_names(),
            context: match self.frame.given() {
                Some(given) => Some(given.to_string()),
                None => self.frame.context().map(|c| c.to_string()),
            },
        };
        let layout = self.frame.layout().clone();
        let model = Model::new(about, &self.path, self.card, self.can).with_layout(layout);
        self.reasons.into_iter().fold(model, |model, (ability, why)| model.because(ability, why))
    }
}

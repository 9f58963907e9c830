//! A loaded model with all that belongs to it: card, preparation, device.

use std::ops::Range;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use pyrogen::core::folder::ModelFolder;
use pyrogen::core::parallel::batches;
use pyrogen::core::{
    Condition, Examples, Likelihood, Noise, RequestError, SampleOptions, ScoreMethod, ScoreOptions,
    Seed,
};
use pyrogen::data::{Dataset, Holdout, PictureContext, Preparation, Prepared};

use crate::args::{DeviceName, ModelData, PartName};
use crate::error::CliError;
use crate::family::{self, Model};
use crate::output::bar;
use crate::told::{Told, context_of};

/// The share of the data that training never sees.
pub const TEST_SHARE: f64 = 0.2;
/// The share of the rest that decides which state is best.
pub const VALIDATION_SHARE: f64 = 0.1;

/// Examples that a core works on at once.
pub const CHUNK: usize = 64;

/// The device of that name, where it was compiled in.
pub fn device(name: DeviceName) -> Result<Device, CliError> {
    match name {
        #[cfg(feature = "flex")]
        DeviceName::Flex => Ok(Device::flex()),
        #[cfg(feature = "wgpu")]
        DeviceName::Wgpu => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "cuda")]
        DeviceName::Cuda => Ok(Device::cuda(0)),
        #[cfg(feature = "ndarray")]
        DeviceName::Ndarray => Ok(Device::ndarray()),
        #[allow(unreachable_patterns)] // all patterns are reachable in some build
        other => {
            let name = format!("{other:?}").to_lowercase();
            Err(CliError::Usage(format!(
                "device `{name}` is not in this build: build with --features {name}"
            )))
        }
    }
}

/// What is to be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Draw<'a> {
    /// How many samples.
    pub n: usize,
    /// The class, where one is asked for.
    pub class: Option<usize>,
    /// What they are told, in turn.
    pub told: Option<&'a Told>,
    /// The spread of latents and of the noise to begin with.
    pub temperature: f64,
    /// The seed.
    pub seed: Seed,
}

/// A loaded model.
pub struct Session {
    /// The folder.
    pub folder: ModelFolder,
    /// The model.
    pub model: Box<dyn Model>,
    /// How raw values become what the model sees.
    pub preparation: Preparation,
    /// What the model is told of each example.
    pub context: Option<PictureContext>,
    /// Where it computes.
    pub device: Device,
}

impl Session {
    /// Loads a run folder or a model folder.
    pub fn open(path: &Path, device: Device) -> Result<Self, CliError> {
        let folder = ModelFolder::open(path)?;
        let family = family::find(&folder.card().family)
            .map_err(|e| CliError::Failed(format!("{}: {e}", path.display())))?;
        let model = family.load(&folder, &device)?;
        let failed = |what: String| CliError::Failed(format!("{}: {what}", path.display()));
        let preparation = Preparation::from_card(&folder.card().data)
            .map_err(|e| failed(format!("card.json: {e}")))?;
        let context = context_of(model.as_ref(), folder.card(), &preparation).map_err(failed)?;
        Ok(Self { folder, model, preparation, context, device })
    }

    /// Loads a model and the rows of the data that are asked for, prepared as in training.
    pub fn with_data(args: &ModelData) -> Result<(Self, Prepared<2>), CliError> {
        let session = Self::open(&args.model, device(args.device.device)?)?;
        let data = session.part(args.data.load()?, args.part)?;
        let data = session.prepare(data)?;
        Ok((session, data))
    }

    /// Data as the model sees it.
    pub fn prepare(&self, data: Dataset) -> Result<Prepared<2>, CliError> {
        let expected = &self.preparation.layout().event;
        if data.event_shape() != expected && self.preparation.layout().is_picture() {
            return Err(RequestError::EventShape {
                expected: expected.clone(),
                got: data.event_shape().to_vec(),
            }
            .into());
        }
        Ok(Prepared::new(data, self.preparation.clone())?.with_context(self.context)?)
    }

    /// The rows of the data that are asked for. Training data is known by its hash: a file may
    /// have been moved, or changed.
    pub fn part(&self, data: Dataset, part: PartName) -> Result<Dataset, CliError> {
        let card = self.folder.card();
        let same = card.data.sha256 == data.sha256();
        let split = |data: Dataset| data.split(Holdout::Fraction(TEST_SHARE), card.seed);
        match part {
            PartName::All => Ok(data),
            PartName::HeldOut if !same => Ok(data),
            PartName::Train if !same => Err(CliError::Usage(format!(
                "--part train needs the data the model was trained on ({})",
                card.data.source
            ))),
            PartName::HeldOut => Ok(split(data)?.test),
            PartName::Train => Ok(split(data)?.train),
        }
    }

    /// What training saw of the data, or all of it where it is other data.
    pub fn seen(&self, data: Dataset) -> Result<Dataset, CliError> {
        let part = match self.folder.card().data.sha256 == data.sha256() {
            true => PartName::Train,
            false => PartName::All,
        };
        self.part(data, part)
    }

    /// A batch of prepared rows with its condition, and the rows' share of the noise.
    pub fn batch(
        &self,
        data: &Prepared<2>,
        rows: Range<usize>,
        noise: &Noise,
    ) -> Result<(Tensor<2>, Condition), CliError> {
        let condition = self.condition(data.data(), rows.clone())?;
        let mut noise = noise.fork("data").rows(rows.clone(), data.len());
        let rows: Vec<usize> = rows.collect();
        let batch = data.batch(&rows, &mut noise, &self.device);
        Ok((batch.x, Condition { context: batch.context, ..condition }))
    }

    /// The labels of some rows as a condition, where the model wants one.
    fn condition(&self, data: &Dataset, rows: Range<usize>) -> Result<Condition, CliError> {
        if self.model.classes().is_none() {
            return Ok(Condition::none());
        }
        let labels: Option<Vec<usize>> =
            data.labels().map(|l| l[rows].iter().map(|&l| l as usize).collect());
        self.model.check_classes(labels.as_deref())?;
        Ok(Condition::classes(&labels.unwrap_or_default(), &self.device))
    }

    /// Draws samples, in prepared units.
    pub fn sample(&self, what: &Draw) -> Result<Vec<f32>, CliError> {
        self.draw(what, |rows, options, noise| {
            let drawn = self.model.draw(rows.len(), options, noise);
            drawn.unwrap_or_else(|| Err(self.cannot("sample", "it has no sampler")))
        })
    }

    /// Draws samples by a function of their rows, their condition and their noise.
    pub fn draw(
        &self,
        what: &Draw,
        sampler: impl Fn(Range<usize>, &SampleOptions, &mut Noise) -> Result<Tensor<2>, CliError> + Sync,
    ) -> Result<Vec<f32>, CliError> {
        let Draw { n, temperature, .. } = *what;
        if n == 0 {
            return Err(CliError::Usage("-n must be at least 1".into()));
        }
        if !(temperature.is_finite() && temperature >= 0.0) {
            return Err(CliError::Usage(format!(
                "--temperature must be a number of at least 0, got {temperature}"
            )));
        }
        let mut values = Vec::new();
        let width: usize = self.model.event_shape().iter().product();
        values.try_reserve_exact(n.saturating_mul(width)).map_err(|_| {
            CliError::Failed(format!("{n} samples do not fit into memory: draw fewer at a time"))
        })?;
        if let Some(class) = what.class {
            self.model.check_classes(Some(&[class]))?;
        }
        let classes: Option<Vec<usize>> =
            self.drawn_classes(what).map(|labels| labels.iter().map(|&l| l as usize).collect());
        self.model.check_classes(classes.as_deref())?;
        let noise = Noise::new(what.seed).fork("samples");
        let bar = bar("drawn", n);
        let parts = batches(n, CHUNK, &self.device, |rows| {
            let count = rows.len();
            let mut condition = match &classes {
                Some(c) => Condition::classes(&c[rows.clone()], &self.device),
                None => Condition::none(),
            };
            condition.context = what.told.map(|told| told.rows(rows.clone(), &self.device));
            let options = SampleOptions { condition, temperature };
            let drawn = sampler(rows.clone(), &options, &mut noise.rows(rows, n)).map(host);
            bar.inc(count as u64);
            drawn
        });
        bar.finish_and_clear();
        for part in parts {
            values.extend(part?);
        }
        Ok(values)
    }

    /// The class of each sample: the one asked for, else that of the example it is told of, else
    /// every class in turn; none where the model knows none and none is asked for.
    pub fn drawn_classes(&self, what: &Draw) -> Option<Vec<u32>> {
        let known = self.model.classes();
        if let Some(class) = what.class {
            return Some(vec![class as u32; what.n]);
        }
        let known = known?;
        let told = what.told.and_then(|told| told.labels(what.n));
        Some(told.unwrap_or_else(|| (0..what.n).map(|i| (i % known) as u32).collect()))
    }

    /// Log-likelihood of data in raw units.
    pub fn score(
        &self,
        data: &Prepared<2>,
        method: ScoreMethod,
        draws: usize,
        seed: Seed,
    ) -> Result<Likelihood, CliError> {
        let cannot = || {
            let why = self.model.why_no_score();
            self.cannot("score", &format!("{why}; use `pyrogen evaluate`"))
        };
        self.model.as_score().ok_or_else(cannot)?;
        if draws == 0 {
            return Err(CliError::Usage("--draws must be at least 1".into()));
        }
        let noise = Noise::new(seed).fork("score");
        let bar = bar("scored", data.len());
        let parts = batches(data.len(), CHUNK, &self.device, |rows| {
            let count = rows.len() as u64;
            let (x, condition) = self.batch(data, rows.clone(), &noise)?;
            let prepared = self.model.is_density().then(|| host(x.clone()));
            let mut noise = noise.fork("draws").rows(rows, data.len());
            let options = ScoreOptions { draws, method };
            let part = self.model.likelihood(x, &condition, &options, &mut noise);
            let part = part.unwrap_or_else(|| Err(cannot()))?;
            bar.inc(count);
            Ok::<_, CliError>(match prepared {
                Some(prepared) => part.shifted(&self.preparation.log_det(&prepared)),
                None => part,
            })
        });
        bar.finish_and_clear();
        let mut all: Option<Likelihood> = None;
        for part in parts {
            let part = part?;
            match &mut all {
                Some(all) => all.extend(part),
                None => all = Some(part),
            }
        }
        all.ok_or_else(|| CliError::Failed("the data is empty: there is nothing to score".into()))
    }

    /// Prepared values back in the data's own units.
    pub fn raw(&self, prepared: &[f32]) -> Vec<f32> {
        self.preparation.inverse(prepared)
    }

    /// The error of a command that this model cannot serve.
    pub fn cannot(&self, command: &str, why: &str) -> CliError {
        let family = self.model.method().unwrap_or(&self.folder.card().family);
        CliError::Failed(format!("a model of family `{family}` cannot {command}: {why}"))
    }
}

/// A tensor's values on the host.
pub fn host<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
}

/// The first rows of data, at most `limit`.
pub fn first(data: &Dataset, limit: usize) -> Dataset {
    if data.len() <= limit {
        return data.clone();
    }
    let rows: Vec<usize> = (0..limit).collect();
    data.subset(&rows)
}

//! Everything that can be measured of a model on data.

use burn::tensor::{Device, Tensor, TensorData};
use pyrogen::core::latent::{LatentReport, LatentStatistics};
use pyrogen::core::parallel::batches;
use pyrogen::core::{Examples, Noise, RateDistortion, ScoreMethod, Seed};
use pyrogen::data::{Dataset, Preparation, Prepared};
use pyrogen::metrics::{
    DigitsClassifier, FeatureExtractor, Features, LikelihoodReport, Metric, MetricError,
    MetricReport, class_shares,
};
use pyrogen::vae::CodeReport;
use serde::Serialize;

use crate::error::CliError;
use crate::session::{CHUNK, Draw, Session, host};

/// The numbers of one evaluation.
#[derive(Debug, Serialize)]
pub struct Evaluation {
    /// Number of real examples.
    pub examples: usize,
    /// Likelihoods, each of its own kind.
    pub likelihood: Vec<LikelihoodReport>,
    /// Samples against the real examples.
    pub metrics: Vec<MetricReport>,
    /// Training examples, as many as there are samples, in their place: as near as samples should
    /// come.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reference: Vec<MetricReport>,
    /// What the latents cost and what they lose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_distortion: Option<RateDistortion>,
    /// Which codes are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codes: Option<CodeReport>,
    /// The latent space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latent: Option<LatentReport>,
}

/// Evaluates a model on real examples with as many samples of its own.
pub fn evaluate(
    session: &Session,
    data: &Prepared<2>,
    draws: usize,
    seed: Seed,
) -> Result<Evaluation, CliError> {
    let n = data.len();
    let mut likelihood = Vec::new();
    if session.model.as_score().is_some() {
        for method in [ScoreMethod::LowerBound, ScoreMethod::Estimate] {
            let Some(draws) = session.model.evaluation_draws(method, draws) else { continue };
            let value = session.score(data, method, draws, seed)?;
            let report = LikelihoodReport::new(&value)?;
            if !likelihood.contains(&report) {
                likelihood.push(report);
            }
        }
    }
    let mut metrics = Vec::new();
    if session.model.as_sample().is_some() {
        // Told of the real examples one by one, where the model is told something.
        let told = session.told_of(data.data())?;
        let what = Draw { n, class: None, told: told.as_ref(), temperature: 1.0, seed };
        let generated = session.sample(&what)?;
        let rows: Vec<usize> = (0..n).collect();
        let mut noise = Noise::new(seed).fork("evaluate");
        let real = data.values(&rows, &mut noise);
        let real = Examined { values: &real, classes: classes_of(data) };
        let asked = session.drawn_classes(&what);
        let generated = Examined { values: &generated, classes: asked.as_deref().map(numbers) };
        metrics = compare(session, &real, &generated, seed)?;
    }
    let rate_distortion = rate_distortion(session, data, seed)?;
    let (x, _) = session.batch(data, 0..n, &Noise::new(seed).fork("codes"))?;
    let codes = session.model.code_report(x);
    let latent = latent(session, data, seed)?;
    let reference = Vec::new();
    Ok(Evaluation { examples: n, likelihood, metrics, reference, rate_distortion, codes, latent })
}

/// The sample metrics of training examples, drawn at random, in the place of samples.
pub fn reference(
    session: &Session,
    data: &Prepared<2>,
    train: Dataset,
    seed: Seed,
) -> Result<Vec<MetricReport>, CliError> {
    let mut noise = Noise::new(seed).fork("reference");
    let mut chosen = noise.permutation(train.len());
    chosen.truncate(data.len());
    let train = session.prepare(train.subset(&chosen))?;
    let all = |n: usize| (0..n).collect::<Vec<_>>();
    let real = data.values(&all(data.len()), &mut noise);
    let others = train.values(&all(train.len()), &mut noise);
    let real = Examined { values: &real, classes: classes_of(data) };
    let others = Examined { values: &others, classes: classes_of(&train) };
    compare(session, &real, &others, seed)
}

/// The point in the rate-distortion plane, for models that have one.
fn rate_distortion(
    session: &Session,
    data: &Prepared<2>,
    seed: Seed,
) -> Result<Option<RateDistortion>, CliError> {
    let noise = Noise::new(seed).fork("rate-distortion");
    let n = data.len();
    let mut all: Option<RateDistortion> = None;
    for start in (0..n).step_by(CHUNK) {
        let rows = start..(start + CHUNK).min(n);
        let (x, condition) = session.batch(data, rows.clone(), &noise)?;
        let prepared = session.model.is_density().then(|| host(x.clone()));
        let mut noise = noise.fork("draws").rows(rows, n);
        let Some(mut part) = session.model.rate_distortion(x, &condition, &mut noise) else {
            return Ok(None);
        };
        if let Some(prepared) = prepared {
            // As for likelihoods: of raw values.
            let shift: f64 = session.preparation.log_det(&prepared).iter().sum();
            part.distortion -= shift / part.examples as f64;
        }
        match &mut all {
            Some(all) => all.extend(&part),
            None => all = Some(part),
        }
    }
    Ok(all)
}

/// Whether the latent space is used, for families that have one.
pub fn latent(
    session: &Session,
    data: &Prepared<2>,
    seed: Seed,
) -> Result<Option<LatentReport>, CliError> {
    let (Some(encoder), Some(decoder)) = (session.model.as_encode(), session.model.as_decode())
    else {
        return Ok(None);
    };
    if !session.model.has_latent_axes() || !session.model.has_posterior() {
        return Ok(None);
    }
    let noise = Noise::new(seed).fork("latent");
    let n = data.len();
    let posteriors = batches(n, CHUNK, &session.device, |rows| {
        let (x, condition) = session.batch(data, rows, &noise)?;
        Ok::<_, CliError>(encoder.encode(x, &condition)?)
    });
    let mut statistics = LatentStatistics::new(decoder.latent_dim());
    for posterior in posteriors {
        match posterior?.gaussian() {
            Some(normal) => statistics.add(normal)?,
            None => return Ok(None),
        }
    }
    Ok(Some(statistics.report()?))
}

/// Fewer examples than this say nothing about a distribution, and nearest neighbours run out.
pub const FEWEST: usize = 10;

/// Prepared examples that are compared with others.
#[derive(Debug, Clone)]
pub struct Examined<'a> {
    /// Their numbers, row after row.
    pub values: &'a [f32],
    /// Their classes: of real examples those they have, of samples those that were asked for.
    pub classes: Option<Vec<usize>>,
}

/// The classes of data.
pub fn classes_of(data: &Prepared<2>) -> Option<Vec<usize>> {
    data.data().labels().map(numbers)
}

fn numbers(labels: &[u32]) -> Vec<usize> {
    labels.iter().map(|&l| l as usize).collect()
}

/// Every sample metric between two sets of prepared examples, and the shares of the classes where the
/// real ones have two or more; none where one of the sets has fewer than [`FEWEST`].
pub fn compare(
    session: &Session,
    real: &Examined,
    generated: &Examined,
    seed: Seed,
) -> Result<Vec<MetricReport>, CliError> {
    let width: usize = session.model.event_shape().iter().product();
    if real.values.len().min(generated.values.len()) < FEWEST * width {
        return Ok(Vec::new());
    }
    let of = |x: &Examined| features(&session.preparation, width, &session.device, x.values);
    let (real_features, generated_features) = (of(real)?, of(generated)?);
    let all = Metric::all();
    let reports = all.iter().map(|m| m.compute(&real_features, &generated_features, seed));
    let mut reports = reports.collect::<Result<Vec<_>, _>>()?;
    let several = |labels: &&Vec<usize>| labels.iter().any(|l| *l != labels[0]);
    if let Some(labels) = real.classes.as_ref().filter(several) {
        let asked = generated.classes.as_deref();
        let shares = class_shares(&real_features, labels, &generated_features, asked)?;
        reports.push(shares.report(&real_features, &generated_features));
    }
    Ok(reports)
}

/// Features of prepared examples of `width` numbers: the digits classifier's for grey pictures, else
/// the prepared values themselves.
pub fn features(
    preparation: &Preparation,
    width: usize,
    device: &Device,
    prepared: &[f32],
) -> Result<Features, MetricError> {
    let layout = preparation.layout();
    let [1, h, w] = layout.event[..] else {
        let values: Vec<f64> = prepared.iter().map(|&v| f64::from(v)).collect();
        let rows = values.len() / width;
        return Features::new(values, rows, width)?.named("prepared-values-v1");
    };
    let unit = layout.to_unit(&preparation.inverse(prepared));
    let n = unit.len() / (h * w);
    let images = Tensor::from_data(TensorData::new(unit, [n, 1, h, w]), device);
    DigitsClassifier::new(device).features(images)
}

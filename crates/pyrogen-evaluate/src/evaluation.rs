//! Everything that can be measured of a model on data.

use burn::tensor::Device;
use pyrogen_core::Seed;
use pyrogen_data::Data;
use pyrogen_metrics::{Features, LikelihoodReport, Metric, MetricReport, class_shares};
use pyrogen_model::{Control, Error, ErrorKind, Finding, Model, Request};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::pairs::pairs;
use crate::text::texts;
use crate::{Embedding, EmbeddingChoice, TableComparison};

/// Fewer items than this say nothing about a distribution, and nearest neighbours run out.
pub const FEWEST: usize = 10;

/// Texts that are drawn.
const TEXTS: u64 = 64;

/// How an evaluation is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// Real items at most, chosen at random by the seed.
    pub limit: usize,
    /// Draws an item for the likelihood's estimate.
    pub draws: usize,
    /// The seed.
    pub seed: Seed,
    /// Where real items and samples are compared.
    pub embedding: EmbeddingChoice,
    /// Items of the training data, to be compared in the place of samples: as near as samples should
    /// come.
    pub reference: Option<Data>,
    /// What the model learnt from, where it is known: generated texts are looked for in it.
    pub training: Option<Data>,
}

impl Default for Options {
    fn default() -> Self {
        let (embedding, reference, training) = (EmbeddingChoice::Suited, None, None);
        Self { limit: 2000, draws: 128, seed: Seed(1), embedding, reference, training }
    }
}

/// A metric that could not be computed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedMetric {
    /// The metric.
    pub metric: String,
    /// Why it could not be computed.
    pub reason: String,
}

/// The numbers of one evaluation.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Number of real items.
    pub examples: usize,
    /// Likelihoods, each of its own kind.
    pub likelihood: Vec<LikelihoodReport>,
    /// Samples against the real items.
    pub metrics: Vec<MetricReport>,
    /// Metrics that could not be computed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedMetric>,
    /// Training items, as many as there are samples, in their place: as near as samples should come.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reference: Vec<MetricReport>,
    /// What the model says of itself, by name.
    #[serde(flatten)]
    pub values: Map<String, Value>,
    /// What the model says of itself, for people.
    #[serde(skip)]
    pub findings: Vec<Finding>,
    /// How near the samples of a table are to the real rows, column by column.
    #[serde(skip)]
    pub table: Option<TableComparison>,
}

/// Evaluates a model on real items, random ones where there are more than the limit, with as many
/// samples of its own under the real items' conditions.
///
/// A number that cannot be computed is left out with its reason; the others are still given.
///
/// # Errors
/// Data that does not fit the model or the embedding, an embedding for a model that draws no samples,
/// numbers that are not finite, or a control that was cancelled.
pub fn evaluate(
    model: &Model,
    data: &Data,
    options: &Options,
    device: &Device,
    control: &Control,
) -> Result<Evaluation, Error> {
    let real = data.take_random(options.limit, options.seed);
    let embedding = Embedding::chosen(&options.embedding, &real, device)
        .map_err(|e| Error::other(ErrorKind::Data, e))?;
    if !matches!(options.embedding, EmbeddingChoice::Suited) {
        // Samples are what it compares.
        model.generator()?;
    }
    let mut failed = Vec::new();
    let likelihood = likelihoods(model, &real, options, &mut failed, control)?;
    let (mut metrics, mut reference, mut table) = (Vec::new(), Vec::new(), None);
    if let Some(generate) = &model.can().generate
        && embedding.exists()
        && real.len() >= FEWEST
    {
        // Under the conditions of the real items, one by one, where the model has conditions.
        let mut request = Request::seed(options.seed.0);
        request.like = Some(real.clone());
        let samples = generate.generate(0..real.len() as u64, &request, control)?;
        metrics = compare(&embedding, &real, &samples, options.seed, &mut failed, control)?;
        table = tables(&real, &samples, &mut metrics, &mut failed);
        if let Some(train) = &options.reference {
            let others = train.take_random(real.len(), options.seed);
            let mut unsaid = Vec::new();
            reference = compare(&embedding, &real, &others, options.seed, &mut unsaid, control)?;
            tables(&real, &others, &mut reference, &mut unsaid);
        }
    }
    if let (Some(generate), Data::Text(own)) = (&model.can().generate, &real) {
        let drawn = generate.generate(0..TEXTS, &Request::seed(options.seed.0), control)?;
        if let Data::Text(made) = &drawn {
            metrics.extend(texts(made, own, options.training.as_ref(), &mut failed));
        }
    }
    if let (Some(complete), Data::Pairs(own)) = (&model.can().complete, &real) {
        metrics.extend(pairs(&**complete, own, options.seed, &mut failed, control)?);
    }
    let hash = real.sha256();
    let of_data = |reports: Vec<MetricReport>| -> Vec<MetricReport> {
        reports.into_iter().map(|report| report.of_data(&hash)).collect()
    };
    let (metrics, reference) = (of_data(metrics), of_data(reference));
    let request = Request::seed(options.seed.0);
    let findings = match model.inspect(&real, &request, control) {
        Err(e) if e.kind() != ErrorKind::Cancelled => {
            failed.push(FailedMetric { metric: "inspect".into(), reason: e.to_string() });
            Vec::new()
        }
        findings => findings?,
    };
    let values = findings.iter().map(|f| (f.name.clone(), f.value.clone())).collect();
    Ok(Evaluation {
        examples: real.len(),
        likelihood,
        metrics,
        failed,
        reference,
        values,
        findings,
        table,
    })
}

/// Columns and pairs of columns of tables.
fn tables(
    real: &Data,
    generated: &Data,
    metrics: &mut Vec<MetricReport>,
    failed: &mut Vec<FailedMetric>,
) -> Option<TableComparison> {
    match TableComparison::of(real, generated)? {
        Ok(table) => {
            metrics.push(table.quality.report());
            Some(table)
        }
        Err(e) => {
            failed.push(FailedMetric { metric: "columns".into(), reason: e.to_string() });
            None
        }
    }
}

fn likelihoods(
    model: &Model,
    real: &Data,
    options: &Options,
    failed: &mut Vec<FailedMetric>,
    control: &Control,
) -> Result<Vec<LikelihoodReport>, Error> {
    let Some(score) = &model.can().score else { return Ok(Vec::new()) };
    let mut reports = Vec::new();
    for set in score.evaluated(options.draws) {
        let mut request = Request::seed(options.seed.0);
        request.options = set.into_map();
        let likelihood = score.score(real, &request, control)?;
        match LikelihoodReport::new(&likelihood) {
            Ok(report) if !reports.contains(&report) => reports.push(report),
            Ok(_) => {}
            // An item that is impossible under the model, for instance.
            Err(e) => {
                failed.push(FailedMetric { metric: "likelihood".into(), reason: e.to_string() })
            }
        }
    }
    Ok(reports)
}

fn metric_error(e: pyrogen_metrics::MetricError) -> Error {
    Error::other(ErrorKind::Numerics, e)
}

/// Every sample metric between two sets of items, and the shares of the classes where the real ones
/// have two or more.
fn compare(
    embedding: &Embedding,
    real: &Data,
    generated: &Data,
    seed: Seed,
    failed: &mut Vec<FailedMetric>,
    control: &Control,
) -> Result<Vec<MetricReport>, Error> {
    let of = |items: &Data| embedding.features(items).map_err(metric_error);
    let (x, y) = (of(real)?, of(generated)?);
    let mut reports = Vec::new();
    for metric in Metric::all() {
        control.check()?;
        match metric.compute(&x, &y, seed) {
            Ok(report) => reports.push(report),
            Err(e) => failed
                .push(FailedMetric { metric: metric.name().to_string(), reason: e.to_string() }),
        }
    }
    match shares(real, generated, &x, &y) {
        None => {}
        Some(Ok(report)) => reports.push(report),
        Some(Err(e)) => {
            failed.push(FailedMetric { metric: "classes".into(), reason: e.to_string() });
        }
    }
    Ok(reports)
}

fn shares(
    real: &Data,
    generated: &Data,
    x: &Features,
    y: &Features,
) -> Option<Result<MetricReport, pyrogen_metrics::MetricError>> {
    let numbers = |labels: Vec<u32>| labels.into_iter().map(|l| l as usize).collect::<Vec<_>>();
    let labels = numbers(real.labels()?);
    if labels.iter().all(|l| *l == labels[0]) {
        return None;
    }
    let asked = generated.labels().map(numbers);
    Some(
        class_shares(x, &labels, y, asked.as_deref())
            .map(|shares| shares.report(x, y, &real.class_names())),
    )
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::path::Path;
    use std::sync::Arc;

    use pyrogen_core::Noise;
    use pyrogen_core::folder::Card;
    use pyrogen_data::{Dataset, Modality};
    use pyrogen_model::{About, Capabilities, Generate, OptionSpec};

    use super::*;

    /// Points of two classes, six standard deviations apart.
    fn points(labels: Vec<u32>, noise: &Noise) -> Data {
        let normal = noise.fork("points").normal_vec(2 * labels.len());
        let centre = |i: usize| 6.0 * f64::from(labels[i / 2]);
        let values = normal.iter().enumerate().map(|(i, v)| (v + centre(i)) as f32).collect();
        Data::from_dataset(Dataset::from_parts(values, vec![2], Some(labels)).unwrap())
    }

    /// The true distribution given the classes of the items that it is to be like, or of both classes
    /// equally often.
    struct Truth {
        equally: bool,
    }

    impl Generate for Truth {
        fn options(&self) -> Vec<OptionSpec> {
            Vec::new()
        }

        fn generate(
            &self,
            items: Range<u64>,
            request: &Request,
            _: &Control,
        ) -> Result<Data, Error> {
            let wanted = request.like.as_ref().and_then(Data::labels).expect("conditions");
            assert_eq!(wanted.len() as u64, items.end - items.start);
            let labels = match self.equally {
                true => (0..wanted.len() as u32).map(|i| i % 2).collect(),
                false => wanted,
            };
            Ok(points(labels, &Noise::new(Seed(9))))
        }
    }

    fn evaluated(equally: bool, seed: u64) -> Evaluation {
        // One class in twenty, at the end of the file, and twice as many rows as are taken.
        let labels = (0..4000).map(|i| u32::from(i >= 3800)).collect();
        let data = points(labels, &Noise::new(Seed(1)));
        let mut can = Capabilities::default();
        can.generate = Some(Arc::new(Truth { equally }));
        let about = About::new("truth", Modality::Points, 0);
        let model = Model::new(about, Path::new("truth"), Card::new("truth", Seed(1)), can);
        let options = Options { seed: Seed(seed), ..Options::default() };
        evaluate(&model, &data, &options, &Device::flex(), &Control::new()).unwrap()
    }

    fn value(evaluation: &Evaluation, metric: &str, name: &str) -> f64 {
        let report = evaluation.metrics.iter().find(|r| r.metric() == metric).unwrap();
        report.get(name).unwrap()
    }

    #[test]
    fn sorted_rows_of_a_rare_class_are_compared_with_their_like() {
        let right = evaluated(false, 1);
        assert_eq!((right.examples, right.failed.len()), (2000, 0));
        // Five standard errors of the share among 2,000 random rows, and of those read wrongly.
        let share = value(&right, "classes", "share_1");
        assert!((share - 0.05).abs() < 5.0 * (0.05f64 * 0.95 / 2000.0).sqrt() + 0.002, "{share}");
        assert!(value(&right, "classes", "class_total_variation") < 0.005);
        assert!(value(&right, "classes", "class_agreement") > 0.995);
        // Of two sets of 2,000 rows of one distribution the distance is about 0.005.
        assert!(value(&right, "frechet", "frechet") < 0.03);
        // Classes drawn equally often would be seen.
        let equal = evaluated(true, 1);
        assert!(value(&equal, "classes", "class_total_variation") > 0.4);
        assert!(value(&equal, "frechet", "frechet") > 0.5);
    }

    #[test]
    fn signatures_say_which_rows_were_compared() {
        let of = |seed| evaluated(false, seed).metrics[0].signature().clone();
        let (first, again, other) = (of(1), of(1), of(2));
        assert!(first.get("data").is_some() && first.get("real") == Some("2000"), "{first}");
        assert_eq!(first.comparable(&again), Ok(()));
        assert!(first.comparable(&other).is_err());
    }
}

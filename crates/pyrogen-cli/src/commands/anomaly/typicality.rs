//! How far items are from the typical set of a model.

use pyrogen::data::Data;
use pyrogen::{Control, Model, Request};

use crate::error::CliError;

/// Samples that the entropy is the mean of.
const SAMPLES: usize = 500;

/// `|-log p(x) - H|` of each item, where `H` is the model's entropy, see [`entropy`]. More is more unusual.
///
/// In many dimensions an item that a model holds for very probable can be as unusual as an improbable one: the
/// mean of a normal distribution is its most probable point, and no sample is near it.
///
/// # References
/// E. Nalisnick, A. Matsukawa, Y. W. Teh, B. Lakshminarayanan (2019), "Detecting out-of-distribution inputs
/// to deep generative models using typicality", equation 3 with one item. The paper takes `H` from training
/// data, which need not be at hand here; samples of the model are.
pub fn scores(nats: &[f64], entropy: f64) -> Vec<f64> {
    nats.iter().map(|nats| (-nats - entropy).abs()).collect()
}

/// The mean of `-log p` over samples of the model, with the conditions of the data where there are some.
pub fn entropy(
    model: &Model,
    data: &Data,
    request: &Request,
    control: &Control,
) -> Result<f64, CliError> {
    // The conditions of these items, in turn.
    let drawn = Request::seed(request.seed.0).like(data.take_random(SAMPLES, request.seed));
    let generate = model.can().generate.clone().ok_or_else(|| {
        CliError::Usage("the typicality of a model that cannot sample is not known".into())
    })?;
    let samples = generate.generate(0..SAMPLES as u64, &drawn, control)?;
    let scored = model.score(&samples, request, control)?;
    let nats = scored.nats();
    Ok(-nats.iter().sum::<f64>() / nats.len() as f64)
}

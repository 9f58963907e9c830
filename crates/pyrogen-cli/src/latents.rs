//! Samples from a Gaussian that is fitted to the latents of data, in place of the model's prior.

use burn::tensor::{Device, Tensor};
use pyrogen::core::latent::{LatentGaussian, SampleLatents};
use pyrogen::core::parallel::batches;
use pyrogen::core::{Decode, Encode, Examples, Noise, SampleOptions, Seed};
use pyrogen::data::{Dataset, Prepared};

use crate::error::CliError;
use crate::session::{CHUNK, Draw, Session};

/// A Gaussian of latents, and the decoder that makes examples of them.
pub struct FittedPrior<'a> {
    gaussian: LatentGaussian,
    decoder: &'a (dyn Decode<2> + Sync),
}

impl<'a> FittedPrior<'a> {
    /// Encodes what training saw of this data, or all of it where it is other data, and fits.
    pub fn of(session: &'a Session, data: Dataset, seed: Seed) -> Result<Self, CliError> {
        let (encoder, decoder) = coders(session)?;
        let data = session.prepare(session.seen(data)?)?;
        let gaussian = fit(session, encoder, &data, &Noise::new(seed).fork("fitted latents"))?;
        Ok(Self { gaussian, decoder })
    }

    /// Decodes draws for some rows. The temperature scales their distance from the mean.
    pub fn draw(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
        device: &Device,
    ) -> Result<Tensor<2>, CliError> {
        let mean: Vec<f32> = self.gaussian.mean().iter().map(|&v| v as f32).collect();
        let mean = Tensor::<1>::from_floats(mean.as_slice(), device).unsqueeze::<2>();
        let z = self.gaussian.sample_latents(n, noise, device);
        let z = (z - mean.clone()) * options.temperature + mean;
        Ok(self.decoder.decode(z, &options.condition)?)
    }
}

type Coders<'a> = (&'a (dyn Encode<2> + Sync), &'a (dyn Decode<2> + Sync));

fn coders(session: &Session) -> Result<Coders<'_>, CliError> {
    let cannot = |why: &str| session.cannot("sample with --latents fitted", why);
    if !session.model.has_latent_axes() {
        return Err(cannot("its latents are codes, which no Gaussian describes"));
    }
    match (session.model.as_encode(), session.model.as_decode()) {
        (Some(encoder), Some(decoder)) => Ok((encoder, decoder)),
        _ => Err(cannot("it has no latents")),
    }
}

fn fit(
    session: &Session,
    encoder: &(dyn Encode<2> + Sync),
    data: &Prepared<2>,
    noise: &Noise,
) -> Result<LatentGaussian, CliError> {
    let posteriors = batches(data.len(), CHUNK, &session.device, |rows| {
        let (x, condition) = session.batch(data, rows, noise)?;
        Ok::<_, CliError>(encoder.encode(x, &condition)?)
    });
    let posteriors = posteriors.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(LatentGaussian::fit(&posteriors)?)
}

impl Session {
    /// Draws samples from a fitted prior, in prepared units.
    pub fn sample_fitted(&self, prior: &FittedPrior, what: &Draw) -> Result<Vec<f32>, CliError> {
        self.draw(what, |rows, options, noise| prior.draw(rows.len(), options, noise, &self.device))
    }
}

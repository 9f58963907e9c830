//! Drawing new items.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::Tensor;
use pyrogen_core::parallel::batches;
use pyrogen_core::{DecoderOutput, ModelError, Noise, Sample, SampleOptions};
use pyrogen_data::Data;

use super::frame::{CHUNK, host};
use super::{Configure, Frame};
use crate::{Ability, Control, Error, Generate, OptionSpec, Options, Request, count};

pub(super) struct TensorGenerate<M> {
    pub model: Arc<M>,
    pub frame: Frame,
    pub sampling: Vec<OptionSpec>,
    pub configure: Configure<M>,
    /// What is given of the decoder's distribution where nothing is asked for, for models with one.
    pub output: Option<DecoderOutput>,
}

impl<M: Sample<2> + Send + Sync + 'static> Generate for TensorGenerate<M> {
    fn options(&self) -> Vec<OptionSpec> {
        let about = "spread of the latent draws: below 1 is safer and less varied";
        let mut options = vec![OptionSpec::new("temperature", 1.0, about)];
        options.extend(self.output.map(output_option));
        options.extend(self.sampling.iter().cloned());
        options
    }

    fn generate(
        &self,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        let options = Options::resolve(Ability::Generate, &self.options(), &request.options)?;
        let temperature = options.number("temperature")?;
        if temperature < 0.0 {
            return Err(Error::option("temperature", "a number of at least 0", temperature));
        }
        let output = asked_output(&options, self.output)?;
        let model = (self.configure)(&self.model, &options)?;
        let noise = Noise::new(request.seed).fork("samples");
        self.frame.draw(
            items,
            request,
            control,
            |items, condition, device_noise| {
                let options = SampleOptions { condition, temperature, output };
                let n = (items.end - items.start) as usize;
                model.sample(n, &options, device_noise)
            },
            &noise,
        )
    }
}

/// The option that chooses between means and draws.
pub(super) fn output_option(default: DecoderOutput) -> OptionSpec {
    let about = "of the decoder's distribution: its mean, which is smooth and varies less than the \
                 data, or a draw, which is a sample of the model";
    OptionSpec::new(OUTPUT, name(default), about).one_of(OUTPUTS.map(name))
}

/// What a request asks for.
pub(super) fn asked_output(
    options: &Options,
    default: Option<DecoderOutput>,
) -> Result<Option<DecoderOutput>, Error> {
    if default.is_none() {
        return Ok(None);
    }
    let asked = options.text(OUTPUT)?;
    Ok(OUTPUTS.into_iter().find(|output| asked == Some(name(*output))).or(default))
}

const OUTPUT: &str = "output";
const OUTPUTS: [DecoderOutput; 2] = [DecoderOutput::Mean, DecoderOutput::Draw];

fn name(output: DecoderOutput) -> &'static str {
    match output {
        DecoderOutput::Mean => "mean",
        DecoderOutput::Draw => "draw",
    }
}

impl Frame {
    /// Draws items batch by batch on all cores, by a function of the items' numbers, their
    /// condition and their noise, and gives them in raw units.
    ///
    /// # Errors
    /// No items, too many for the memory, a condition that does not fit, what the function gives,
    /// or a control that was cancelled.
    pub(super) fn draw(
        &self,
        items: Range<u64>,
        request: &Request,
        control: &Control,
        sampler: impl Fn(
            Range<u64>,
            pyrogen_core::Condition,
            &mut Noise,
        ) -> Result<Tensor<2>, ModelError>
        + Sync,
        noise: &Noise,
    ) -> Result<Data, Error> {
        let n = count(&items)?;
        let mut values = Vec::new();
        values.try_reserve_exact(n.saturating_mul(self.width())).map_err(|_| {
            Error::Memory(format!("{n} items do not fit into memory: draw fewer at a time"))
        })?;
        let conditions = self.conditions(request)?;
        let meter = control.meter("drawn", n as u64);
        let parts = batches(n, CHUNK, self.device(), |rows| {
            control.check()?;
            let start = items.start + rows.start as u64;
            // Rows beyond those that are asked for are thrown away.
            let own = start..start + self.padded(rows.len()) as u64;
            let condition = conditions.of(own.clone(), self.device());
            let drawn = sampler(own.clone(), condition, &mut noise.items(own)).map(host)?;
            let drawn = drawn[..rows.len() * self.width()].to_vec();
            meter.add(rows.len() as u64);
            Ok::<_, Error>(drawn)
        });
        for part in parts {
            values.extend(part?);
        }
        let labels = conditions.labels(items.clone());
        self.raw_with(&values, labels, |raw| conditions.keep(items, raw))
    }
}

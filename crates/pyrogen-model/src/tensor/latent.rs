//! Latents of items, and items of latents.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use pyrogen_core::parallel::batches;
use pyrogen_core::{
    Condition, Decode, DecoderOutput, Encode, Examples, ModelError, Noise, Posterior, RequestError,
};
use pyrogen_data::Data;

use super::frame::{CHUNK, host};
use super::generate::{asked_output, output_option};
use super::{Conditions, Frame};
use crate::{
    Ability, Control, Error, Latent, LatentKind, LatentSpace, Latents, OptionSpec, Options, Request,
};

pub(super) struct TensorLatent<M> {
    pub model: Arc<M>,
    pub frame: Frame,
    pub kind: LatentKind,
    /// What is given of the decoder's distribution as a sample, for models with one.
    pub output: Option<DecoderOutput>,
}

/// One batch of posteriors on the host.
struct Part {
    values: Vec<f32>,
    log_var: Option<Vec<f32>>,
    codes: Option<Vec<Vec<u32>>>,
    classes: Option<Vec<u32>>,
    contexts: Option<Vec<f32>>,
}

impl<M: Encode<2> + Decode<2> + Send + Sync + 'static> Latent for TensorLatent<M> {
    fn space(&self) -> LatentSpace {
        LatentSpace { kind: self.kind, dims: self.model.latent_dim() }
    }

    fn encode(&self, data: &Data, request: &Request, control: &Control) -> Result<Latents, Error> {
        let data = self.frame.prepare(data)?;
        let noise = Noise::new(request.seed).fork("encode");
        let meter = control.meter("encoded", data.len() as u64);
        let parts = batches(data.len(), CHUNK, self.frame.device(), |rows| {
            control.check()?;
            let items = rows.start as u64..rows.end as u64;
            let rows: Vec<usize> = rows.collect();
            let (x, condition) = self.frame.batch(&data, &rows, items, &noise)?;
            let posterior = self.model.encode(x, &condition)?;
            meter.add(rows.len() as u64);
            Ok::<_, Error>(part(posterior, condition))
        });
        let mut all = Latents { dims: self.model.latent_dim(), ..Latents::default() };
        for part in parts {
            let part = part?;
            all.values.extend(part.values);
            extend(&mut all.log_var, part.log_var);
            extend(&mut all.codes, part.codes);
            extend(&mut all.classes, part.classes);
            extend(&mut all.contexts, part.contexts);
        }
        Ok(all)
    }

    fn decode(&self, latents: &Latents, control: &Control) -> Result<Data, Error> {
        self.of_latents(latents, control, |z, condition, _| self.model.decode(z, condition))
    }

    fn draw(
        &self,
        latents: &Latents,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error> {
        let specs: Vec<OptionSpec> = self.output.map(output_option).into_iter().collect();
        let options = Options::resolve(Ability::Latent, &specs, &request.options)?;
        if asked_output(&options, self.output)? != Some(DecoderOutput::Draw) {
            return self.decode(latents, control);
        }
        let noise = Noise::new(request.seed).fork("decoder");
        self.of_latents(latents, control, |z, condition, rows| {
            let own = items.start + rows.start as u64..items.start + rows.end as u64;
            self.model.decode_draw(z, condition, &mut noise.items(own))
        })
    }

    fn origin(&self, n: usize, request: &Request) -> Result<Latents, Error> {
        let conditions: Conditions = self.frame.conditions(request)?;
        let first = Latents {
            values: vec![0.0; self.model.latent_dim()],
            dims: self.model.latent_dim(),
            classes: conditions.labels(0..1),
            contexts: conditions.contexts(0..1),
            ..Latents::default()
        };
        Ok(first.points_like(0, vec![0.0; n * self.model.latent_dim()]))
    }
}

impl<M: Encode<2> + Decode<2> + Send + Sync + 'static> TensorLatent<M> {
    /// Items of latents, by a function of points, their condition and their numbers.
    fn of_latents(
        &self,
        latents: &Latents,
        control: &Control,
        make: impl Fn(Tensor<2>, &Condition, Range<usize>) -> Result<Tensor<2>, ModelError> + Sync,
    ) -> Result<Data, Error> {
        let dims = self.model.latent_dim();
        if latents.dims != dims || !latents.values.len().is_multiple_of(dims.max(1)) {
            return Err(RequestError::Value {
                name: "latents",
                expected: "rows of as many numbers as the model's latents have",
                got: format!("{} numbers in rows of {}", latents.values.len(), latents.dims),
            }
            .into());
        }
        let n = latents.len();
        let meter = control.meter("decoded", n as u64);
        let parts = batches(n, CHUNK, self.frame.device(), |rows| {
            control.check()?;
            let part = latents.rows(rows.clone());
            let condition = self.condition(&part)?;
            let z = TensorData::new(part.values, [rows.len(), dims]);
            let z = Tensor::<2>::from_data(z, self.frame.device());
            let decoded = make(z, &condition, rows.clone())?;
            meter.add(rows.len() as u64);
            Ok::<_, Error>(host(decoded))
        });
        let mut values = Vec::with_capacity(n * self.frame.width());
        for part in parts {
            values.extend(part?);
        }
        self.frame.raw(&values, latents.classes.clone())
    }
}

impl<M> TensorLatent<M> {
    /// The condition of some latents.
    fn condition(&self, latents: &Latents) -> Result<Condition, Error> {
        let n = latents.len();
        if let (Some(classes), None) = (self.frame.classes(), &latents.classes) {
            return Err(RequestError::MissingLabels { classes }.into());
        }
        if let (Some(expected), None) = (self.frame.context_shape()?, &latents.contexts) {
            return Err(RequestError::MissingContext { expected }.into());
        }
        let device = self.frame.device();
        let condition = match &latents.classes {
            Some(classes) => {
                let classes: Vec<usize> = classes.iter().map(|&c| c as usize).collect();
                Condition::classes(&classes, device)
            }
            None => Condition::none(),
        };
        let context = latents.contexts.clone().map(|values| {
            let width = values.len() / n.max(1);
            Tensor::from_data(TensorData::new(values, [n, width]), device)
        });
        Ok(Condition { context, ..condition })
    }
}

fn part(posterior: Posterior, condition: Condition) -> Part {
    let log_var = posterior.gaussian().map(|g| host(g.base().log_var()));
    let values = host(posterior.point());
    let codes = match posterior {
        Posterior::Codes { indices, .. } => {
            let [_, places] = indices.dims();
            let all: Vec<u32> = indices.into_data().iter::<i64>().map(|c| c as u32).collect();
            Some(all.chunks(places.max(1)).map(<[u32]>::to_vec).collect())
        }
        _ => None,
    };
    let classes = condition.labels.map(|l| l.into_data().iter::<i64>().map(|c| c as u32).collect());
    Part { values, log_var, codes, classes, contexts: condition.context.map(host) }
}

fn extend<T>(all: &mut Option<Vec<T>>, part: Option<Vec<T>>) {
    if let Some(part) = part {
        all.get_or_insert_default().extend(part);
    }
}

//! `pyrogen reconstruct`, `interpolate` and `traverse`

use burn::tensor::Tensor;
use pyrogen::core::latent::{Interpolation, Traversal};
use pyrogen::core::{Condition, Decode, Encode, Examples, Noise, Seed};
use pyrogen::data::Prepared;

use crate::args::{InterpolateArgs, ReconstructArgs, TraverseArgs};
use crate::error::CliError;
use crate::output::{Form, print_line, write_examples};
use crate::session::{Session, device, host};
use crate::told::Told;

/// Encodes and decodes examples; a grid has the originals above their reconstructions.
pub fn reconstruct(args: ReconstructArgs) -> Result<(), CliError> {
    let (session, data) = Session::with_data(&args.target)?;
    let layout = session.preparation.layout();
    let form = Form::of(&args.out, layout)?;
    if args.n == 0 {
        return Err(CliError::Usage("-n must be at least 1".into()));
    }
    let n = args.n.min(data.len());
    let (original, decoded) = reconstructions(&session, &data, n, Seed(args.target.seed))?;
    if form == Form::Png {
        let columns = n.min(16);
        let rows = interleave(&original, &decoded, layout.width(), columns);
        write_examples(&args.out, &rows, None, layout, columns)?;
    } else {
        write_examples(&args.out, &decoded, None, layout, 0)?;
    }
    print_line(&format!("{n} reconstructions in {}", args.out.display()))?;
    Ok(())
}

/// The first `n` examples as the model sees them and as it reconstructs them, in raw units.
pub fn reconstructions(
    session: &Session,
    data: &Prepared<2>,
    n: usize,
    seed: Seed,
) -> Result<(Vec<f32>, Vec<f32>), CliError> {
    let (encoder, decoder) = coders(session, "reconstruct")?;
    let noise = Noise::new(seed).fork("reconstruct");
    let (x, condition) = session.batch(data, 0..n, &noise)?;
    let z = encoder.encode(x.clone(), &condition)?.point();
    let decoded = decoder.decode(z, &condition)?;
    Ok((session.raw(&host(x)), session.raw(&host(decoded))))
}

/// Rows of `columns` originals, each above the row of their reconstructions.
pub fn interleave(a: &[f32], b: &[f32], width: usize, columns: usize) -> Vec<f32> {
    let line = width * columns;
    // A last line that is not full is filled with empty pictures.
    let padded = |x: &[f32]| {
        let mut x = x.to_vec();
        x.resize(x.len().div_ceil(line) * line, 0.0);
        x
    };
    let (a, b) = (padded(a), padded(b));
    a.chunks(line).zip(b.chunks(line)).flat_map(|(a, b)| [a, b].concat()).collect()
}

/// Walks from one example to another through the latent space.
pub fn interpolate(args: InterpolateArgs) -> Result<(), CliError> {
    let (session, data) = Session::with_data(&args.target)?;
    let layout = session.preparation.layout();
    Form::of(&args.out, layout)?;
    for row in [args.from, args.to] {
        if row >= data.len() {
            return Err(CliError::Usage(format!(
                "row {row} is out of range: the data has {} rows here",
                data.len()
            )));
        }
    }
    let noise = Noise::new(Seed(args.target.seed)).fork("interpolate");
    let end = |row: usize| -> Result<(Tensor<1>, Condition), CliError> {
        let (x, condition) = session.batch(&data, row..row + 1, &noise)?;
        Ok((latents(&session, x, &condition)?.flatten(0, 1), condition))
    };
    let ((from, condition), (to, _)) = (end(args.from)?, end(args.to)?);
    // Between two draws of noise there is little noise, which no model has seen.
    let path = match args.spherical || session.model.as_encode().is_none() {
        true => Interpolation::Spherical,
        false => Interpolation::Linear,
    };
    let z = path.path(from, to, args.steps)?;
    // The first example's class for the whole walk: only the latents change.
    let condition = condition.repeat(args.steps);
    let walked = match session.model.as_decode() {
        Some(decoder) => Ok(decoder.decode(z, &condition)?),
        None => {
            let walked = session.model.decode_noise(z, &condition, &mut noise.fork("walk"));
            walked.unwrap_or_else(|| Err(no_latents(&session)))
        }
    };
    let raw = session.raw(&host(walked?));
    write_examples(&args.out, &raw, None, layout, args.steps)?;
    print_line(&format!("{} points in {}", args.steps, args.out.display()))?;
    Ok(())
}

/// The latents of some examples, or the noise that leads to them.
fn latents(session: &Session, x: Tensor<2>, condition: &Condition) -> Result<Tensor<2>, CliError> {
    match session.model.as_encode() {
        Some(encoder) => Ok(encoder.encode(x, condition)?.point()),
        None => {
            let noise = session.model.to_noise(x, condition);
            noise.unwrap_or_else(|| Err(no_latents(session)))
        }
    }
}

fn no_latents(session: &Session) -> CliError {
    session.cannot("interpolate", "it has no encoder and decoder, and no way to noise and back")
}

/// Varies one latent dimension after the other around the prior's mean.
pub fn traverse(args: TraverseArgs) -> Result<(), CliError> {
    let session = Session::open(&args.model, device(args.device.device)?)?;
    let layout = session.preparation.layout();
    Form::of(&args.out, layout)?;
    let told = session.told(args.told.context.as_ref())?;
    let what = Around {
        dims: &args.dims,
        steps: args.steps,
        range: args.range,
        class: args.class,
        told: told.as_ref(),
    };
    let raw = traversals(&session, &what)?;
    write_examples(&args.out, &raw, None, layout, args.steps)?;
    let count = raw.len() / layout.width() / args.steps;
    print_line(&format!("{count} dimensions in {}", args.out.display()))?;
    Ok(())
}

/// Which latents to vary, and how.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The dimensions; all where none is given.
    pub dims: &'a [usize],
    /// Points a dimension.
    pub steps: usize,
    /// How far to go, in standard deviations of the prior.
    pub range: f64,
    /// The class, for conditional models.
    pub class: Option<usize>,
    /// What the model is told: the first of these.
    pub told: Option<&'a Told>,
}

/// One row of examples for each dimension, in raw units.
pub fn traversals(session: &Session, what: &Around) -> Result<Vec<f32>, CliError> {
    let Around { dims, steps, range, class, told } = *what;
    let decoder =
        session.model.as_decode().ok_or_else(|| session.cannot("traverse", "it has no decoder"))?;
    if !session.model.has_latent_axes() {
        return Err(session.cannot("traverse", "its latents are codes, which have no directions"));
    }
    let latents = decoder.latent_dim();
    let class = class.or(session.model.classes().map(|_| 0));
    session.model.check_classes(class.map(|c| vec![c]).as_deref())?;
    let all: Vec<usize> = (0..latents).collect();
    let dims = if dims.is_empty() { &all } else { dims };
    let traversal = Traversal { low: -range, high: range, steps };
    let base = Tensor::zeros([latents], &session.device);
    let z = traversal.grid(base, dims)?.flatten(0, 1);
    let n = dims.len() * steps;
    let mut condition = match class {
        Some(class) => Condition::class(class, n, &session.device),
        None => Condition::none(),
    };
    condition.context = told.map(|told| told.clone().first(1).rows(0..n, &session.device));
    Ok(session.raw(&host(decoder.decode(z, &condition)?)))
}

fn coders<'a>(
    session: &'a Session,
    command: &str,
) -> Result<(&'a dyn Encode<2>, &'a dyn Decode<2>), CliError> {
    match (session.model.as_encode(), session.model.as_decode()) {
        (Some(encoder), Some(decoder)) => Ok((encoder, decoder)),
        _ => Err(session.cannot(command, "it has no encoder and decoder")),
    }
}

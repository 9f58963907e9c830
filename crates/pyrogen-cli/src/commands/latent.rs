//! `pyrogen reconstruct`, `interpolate` and `traverse`

use burn::tensor::Tensor;
use pyrogen::core::latent::{Interpolation, Traversal};
use pyrogen::data::{Data, Dataset};
use pyrogen::model::{LatentKind, Registry};
use pyrogen::{Control, Model, Request};
use serde_json::json;

use crate::args::{InterpolateArgs, ReconstructArgs, TraverseArgs};
use crate::door::{device, request, with_data};
use crate::error::CliError;
use crate::output::{check_out, is_grid, print_json, print_line, write_items};
use crate::progress::control;

/// Pictures in a line of a grid of reconstructions.
const LINE: usize = 16;

/// Encodes and decodes items; a grid has the originals above their reconstructions.
pub fn reconstruct(registry: &Registry, args: ReconstructArgs) -> Result<(), CliError> {
    let (model, data) = with_data(registry, &args.target)?;
    check_out(&args.out, model.about().modality)?;
    if args.n == 0 {
        return Err(CliError::Usage("-n must be at least 1".into()));
    }
    let n = args.n.min(data.len());
    let (original, decoded) = reconstructions(&model, &data, n, args.target.seed, &control())?;
    if is_grid(&args.out) {
        let columns = n.min(LINE);
        write_items(&args.out, &interleave(&original, &decoded, columns)?, columns)?;
    } else {
        write_items(&args.out, &decoded, 0)?;
    }
    if args.json.json {
        return print_json(&json!({"n": n, "out": args.out}));
    }
    print_line(&format!("{n} reconstructions in {}", args.out.display()))
}

/// The first `n` items, and what the model makes of their latents.
pub fn reconstructions(
    model: &Model,
    data: &Data,
    n: usize,
    seed: u64,
    control: &Control,
) -> Result<(Data, Data), CliError> {
    let latent = model.latent()?;
    let original = data.select(&(0..n).collect::<Vec<_>>());
    let latents = latent.encode(&original, &Request::seed(seed), control)?;
    let decoded = latent.decode(&latents, control)?;
    Ok((original, decoded))
}

/// Lines of `columns` originals, each above the line of their reconstructions.
pub fn interleave(a: &Data, b: &Data, columns: usize) -> Result<Data, CliError> {
    let (Some(a), Some(b)) = (a.dataset(), b.dataset()) else {
        return Err(CliError::Failed("these items are no pictures".into()));
    };
    let line = a.width() * columns;
    // A last line that is not full is filled with empty pictures.
    let padded = |x: &[f32]| {
        let mut x = x.to_vec();
        x.resize(x.len().div_ceil(line) * line, 0.0);
        x
    };
    let (x, y) = (padded(a.values()), padded(b.values()));
    let values = x.chunks(line).zip(y.chunks(line)).flat_map(|(a, b)| [a, b].concat()).collect();
    Ok(Data::from_dataset(Dataset::from_rows(values, None, b.layout().clone())?))
}

/// Walks from one item to another through the latent space.
pub fn interpolate(registry: &Registry, args: InterpolateArgs) -> Result<(), CliError> {
    let (model, data) = with_data(registry, &args.target)?;
    check_out(&args.out, model.about().modality)?;
    for row in [args.from, args.to] {
        if row >= data.len() {
            return Err(CliError::Usage(format!(
                "row {row} is out of range: the data has {} rows here",
                data.len()
            )));
        }
    }
    let (latent, control) = (model.latent()?, control());
    fits("--steps", args.steps, latent.space().dims)?;
    let ends = data.select(&[args.from, args.to]);
    let ends = latent.encode(&ends, &Request::seed(args.target.seed), &control)?;
    // Between two draws of noise there is little noise, which no model has seen.
    let path = match args.spherical || latent.space().kind == LatentKind::Noise {
        true => Interpolation::Spherical,
        false => Interpolation::Linear,
    };
    let device = device(args.target.device.device)?;
    let end = |i: usize| Tensor::<1>::from_floats(ends.row(i), &device);
    let walk = path.path(end(0), end(1), args.steps)?;
    let values: Vec<f32> = walk.into_data().iter::<f32>().collect();
    // The first item's condition for the whole walk: only the latents change.
    let walked = latent.decode(&ends.points_like(0, values), &control)?;
    write_items(&args.out, &walked, args.steps)?;
    if args.json.json {
        let (from, to) = (args.from, args.to);
        return print_json(&json!({"from": from, "to": to, "steps": args.steps, "out": args.out}));
    }
    print_line(&format!("{} points in {}", args.steps, args.out.display()))
}

/// Varies one latent dimension after the other around the prior's mean.
pub fn traverse(registry: &Registry, args: TraverseArgs) -> Result<(), CliError> {
    let model = registry.open(&args.model, &device(args.device.device)?)?;
    check_out(&args.out, model.about().modality)?;
    let request = request(&model, 0, args.class.as_deref(), &args.condition)?;
    let what = Around { dims: &args.dims, steps: args.steps, range: args.range, request: &request };
    let items = traversals(&model, &what, &control())?;
    write_items(&args.out, &items, args.steps)?;
    let count = items.len() / args.steps;
    if args.json.json {
        return print_json(&json!({"dims": count, "steps": args.steps, "out": args.out}));
    }
    print_line(&format!("{count} dimensions in {}", args.out.display()))
}

/// Numbers of latents that are held at once, at most.
const HELD: usize = 1 << 27;

/// Refuses a count of which each is so many numbers, where they do not fit.
fn fits(option: &str, count: usize, width: usize) -> Result<(), CliError> {
    let most = HELD / width.max(1);
    if count <= most {
        return Ok(());
    }
    Err(CliError::Usage(format!("{option} must be at most {most} for this model, got {count}")))
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
    /// The condition: the first class and context where nothing is said.
    pub request: &'a Request,
}

/// One line of items for each dimension.
pub fn traversals(model: &Model, what: &Around, control: &Control) -> Result<Data, CliError> {
    let Around { dims, steps, range, request } = *what;
    let latent = model.latent()?;
    let space = latent.space();
    if !space.has_axes() {
        return Err(CliError::Failed(format!(
            "a model of family `{}` cannot traverse: its latents are codes or noise, which have no \
             directions of their own",
            model.about().method
        )));
    }
    let all: Vec<usize> = (0..space.dims).collect();
    let dims = if dims.is_empty() { &all } else { dims };
    let traversal = Traversal { low: -range, high: range, steps };
    fits("--steps", steps, dims.len().saturating_mul(space.dims))?;
    let values = traversal.rows(&vec![0.0; space.dims], dims)?;
    let origin = latent.origin(1, request)?;
    Ok(latent.decode(&origin.points_like(0, values), control)?)
}

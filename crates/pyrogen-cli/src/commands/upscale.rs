//! `pyrogen upscale`

use pyrogen::Model;
use pyrogen::data::{Data, Dataset, PictureContext};
use pyrogen::model::Registry;
use serde_json::json;

use crate::args::UpscaleArgs;
use crate::door::{Conditions, device, sampler_options};
use crate::error::CliError;
use crate::output::{check_out, is_grid, print_json, print_line, write_items};
use crate::progress::control;

/// Makes pictures of small ones: one line each, with the small one, the candidates, and the original
/// where there is one.
pub fn run(registry: &Registry, args: UpscaleArgs) -> Result<(), CliError> {
    if args.n == 0 || args.candidates == 0 {
        return Err(CliError::Usage("-n and --candidates must be at least 1".into()));
    }
    let model = registry.open(&args.model, &device(args.device.device)?)?;
    let context = small(&model)?;
    check_out(&args.out, model.about().modality)?;
    let conditions = Conditions::of(&model, Some(&args.input))?.first(args.n);
    let (n, candidates) = (conditions.len(), args.candidates);
    let request = conditions.request(args.seed, args.class.as_deref());
    let request = sampler_options(request, &args.sampler)?;
    // Item i is a candidate of the context i % n.
    let count = (n * candidates) as u64;
    let made = model.generator()?.generate(0..count, &request, &control())?;
    let made = made.dataset().map(|rows| rows.into_owned());
    let made = made.ok_or_else(|| CliError::Failed("the samples are no pictures".into()))?;
    let width = made.width();
    let mut values = Vec::new();
    let mut columns = candidates;
    let grid = is_grid(&args.out);
    let small = small_pictures(&model, context, &conditions)?;
    let original = conditions.like.as_ref().and_then(Data::dataset);
    for i in 0..n {
        if grid {
            values.extend_from_slice(&small[i * width..(i + 1) * width]);
        }
        for candidate in 0..candidates {
            values.extend_from_slice(made.row(candidate * n + i));
        }
        if let (true, Some(original)) = (grid, &original) {
            values.extend_from_slice(original.row(i));
        }
    }
    if grid {
        columns += 1 + usize::from(original.is_some());
    }
    let shown = Dataset::from_rows(values, None, made.layout().clone())?;
    write_items(&args.out, &Data::from_dataset(shown), columns)?;
    if args.json.json {
        return print_json(&json!({"n": n, "candidates": candidates, "out": args.out}));
    }
    let out = args.out.display();
    print_line(&format!("{n} pictures with {candidates} candidates in {out}"))
}

/// The small pictures in the size and grey values of the large ones.
fn small_pictures(
    model: &Model,
    context: PictureContext,
    conditions: &Conditions,
) -> Result<Vec<f32>, CliError> {
    let Some(layout) = model.layout() else { return Ok(Vec::new()) };
    let unit = |data: &Data| {
        data.dataset().map_or_else(Vec::new, |rows| rows.layout().to_unit(rows.values()))
    };
    let values = match (&conditions.context, &conditions.like) {
        (Some(given), _) => context.of_given(&unit(given), &layout.event)?,
        (None, Some(like)) => context.of_pictures(&unit(like), &layout.event)?,
        (None, None) => Vec::new(),
    };
    Ok(layout.of_unit(&values))
}

/// The context of a model that makes pictures larger.
fn small(model: &Model) -> Result<PictureContext, CliError> {
    let context = model.about().context.as_deref().map(str::parse::<PictureContext>);
    match context.transpose()? {
        Some(context @ PictureContext::Small { .. }) => Ok(context),
        other => {
            let takes = other.map_or("no context".into(), |context| format!("`{context}`"));
            Err(CliError::Failed(format!(
                "a model of family `{}` cannot upscale: it takes {takes}: train one with --context \
                 small:FACTOR",
                model.about().method
            )))
        }
    }
}

//! `pyrogen inpaint`

use pyrogen::data::{Data, Dataset, Layout, read_matrix};
use pyrogen::model::{Given, Registry};
use pyrogen::{Model, Request};
use serde_json::json;

use crate::args::{Hidden, InpaintArgs};
use crate::door::{sampler_options, with_data};
use crate::error::CliError;
use crate::output::{check_out, print_json, print_line, write_items};
use crate::progress::control;

/// Numbers that are held at once, at most.
const HELD: usize = 1 << 27;

/// Fills in hidden parts of items: one line each, with the original, what is given, and the
/// candidates.
pub fn run(registry: &Registry, args: InpaintArgs) -> Result<(), CliError> {
    if args.n == 0 || args.candidates == 0 {
        return Err(CliError::Usage("-n and --candidates must be at least 1".into()));
    }
    let (model, data) = with_data(registry, &args.target)?;
    check_out(&args.out, model.about().modality)?;
    let rows: Vec<usize> = (0..data.len().min(args.n)).collect();
    let data = data.select(&rows);
    let n = data.len();
    let items = rows_of(&model, &data)?;
    let mask = mask(&args, items.layout())?;
    let width = items.width();
    if mask.len() != width {
        return Err(CliError::Usage(format!(
            "the mask has {} values, an example has {width}",
            mask.len()
        )));
    }
    let request = Request::seed(args.target.seed).set("repeats", args.repeats as u64);
    let request = sampler_options(request, &args.sampler)?;
    let given = Given::masked(data.clone(), mask.clone());
    if n.saturating_mul(args.candidates).saturating_mul(width) > HELD {
        return Err(CliError::Usage(format!(
            "--candidates: {n} examples with {} of {width} numbers each do not fit into memory",
            args.candidates
        )));
    }
    let count = (n * args.candidates) as u64;
    let filled = model.completer()?.complete(&given, 0..count, &request, &control())?;
    let filled = rows_of(&model, &filled)?;
    let hidden = blank(&items, &mask);
    let mut values = Vec::with_capacity((2 + args.candidates) * n * width);
    for i in 0..n {
        values.extend_from_slice(items.row(i));
        values.extend_from_slice(&hidden[i * width..(i + 1) * width]);
        for candidate in 0..args.candidates {
            values.extend_from_slice(filled.row(candidate * n + i));
        }
    }
    let shown = Dataset::from_rows(values, None, items.layout().clone())?;
    write_items(&args.out, &Data::from_dataset(shown), 2 + args.candidates)?;
    if args.json.json {
        let candidates = args.candidates;
        return print_json(&json!({"n": n, "candidates": candidates, "out": args.out}));
    }
    print_line(&format!(
        "{n} examples with {} candidates in {}",
        args.candidates,
        args.out.display()
    ))
}

fn rows_of(model: &Model, data: &Data) -> Result<Dataset, CliError> {
    let rows = data.dataset().map(|rows| rows.into_owned());
    rows.ok_or_else(|| {
        let what = model.about().modality;
        CliError::Usage(format!("{what} have no parts to hide: use `pyrogen complete`"))
    })
}

/// The given part of each item, with zeros where it is hidden.
fn blank(items: &Dataset, mask: &[bool]) -> Vec<f32> {
    let shown = |(v, known): (&f32, &bool)| if *known { *v } else { 0.0 };
    items.values().iter().zip(mask.iter().cycle()).map(shown).collect()
}

/// Which numbers of an item are given.
fn mask(args: &InpaintArgs, layout: &Layout) -> Result<Vec<bool>, CliError> {
    if let Some(path) = &args.mask {
        let values = read_matrix(path)?.values;
        if let Some(wrong) = values.iter().find(|v| **v != 0.0 && **v != 1.0) {
            return Err(CliError::Failed(format!(
                "{}: a mask holds 1 (given) and 0 (to be filled in), not {wrong}",
                path.display()
            )));
        }
        return Ok(values.iter().map(|&v| v == 1.0).collect());
    }
    let [channels, height, width] = layout.event[..] else {
        return Err(CliError::Usage("--hide is for pictures; give --mask FILE.csv".into()));
    };
    let hidden = |i: usize, j: usize| match args.hide {
        Hidden::Lower => i >= height / 2,
        Hidden::Upper => i < height / 2,
        Hidden::Left => j < width / 2,
        Hidden::Right => j >= width / 2,
        Hidden::Centre => {
            let middle = |at: usize, side: usize| at >= side / 4 && at < side - side / 4;
            middle(i, height) && middle(j, width)
        }
    };
    let places = (0..channels * height * width).map(|k| (k / width % height, k % width));
    Ok(places.map(|(i, j)| !hidden(i, j)).collect())
}

//! `pyrogen sample`

use std::path::{Path, PathBuf};

use pyrogen::core::latent::{LatentGaussian, SampleLatents};
use pyrogen::core::{Noise, Seed};
use pyrogen::data::{Data, Text};
use pyrogen::model::{Detailed, Given, Registry};
use pyrogen::{Control, Model, Request};
use serde_json::json;

use crate::args::{LatentsName, SampleArgs};
use crate::door::{
    Pictures, device, open, read, request, request_given, sampler_options, seen, text_options,
};
use crate::error::CliError;
use crate::output::{
    check_out, check_readable, items_json, print_items, print_json, print_line, print_piece,
    print_text, write_items,
};
use crate::progress::control;

/// Numbers that are held at once: more are drawn and written by parts.
const HELD: u64 = 1 << 27;

/// Numbers that are written at most: more fill any disk.
const WRITTEN: u64 = 1 << 38;

/// Draws new items and writes them.
pub fn run(registry: &Registry, mut args: SampleArgs) -> Result<(), CliError> {
    let device = device(args.device.device)?;
    let model = open(registry, &args.model, &device, &mut args.sampler.option)?;
    match &args.out {
        Some(out) => check_out(out, model.about().modality)?,
        None => check_readable(model.about().modality)?,
    }
    if args.n() == 0 {
        return Err(CliError::Usage("-n must be at least 1".into()));
    }
    if args.offset.checked_add(args.n()).is_none() {
        return Err(CliError::Usage("--offset and -n together are too large".into()));
    }
    let class = args.class.as_deref();
    let asked = match args.given.is_empty() {
        true => request(&model, args.seed, class, &args.condition)?,
        false => request_given(&model, args.seed, class, &args.given)?,
    };
    let mut asked = sampler_options(text_options(asked, &args.text)?, &args.sampler)?;
    for (output, given) in [("mean", args.mean), ("draw", args.draw)] {
        if given {
            asked = asked.set("output", output);
        }
    }
    let control = control();
    if args.stream {
        return stream(&model, &args, asked, &control);
    }
    match (&args.from, args.strength) {
        (Some(from), Some(strength)) => {
            let items = vary(&model, from, strength, &args, asked, &control)?;
            finish(&args, &Detailed { items, details: Vec::new() })
        }
        _ => draw(&model, &args, asked, &control),
    }
}

/// Writes or prints what was drawn at once.
fn finish(args: &SampleArgs, drawn: &Detailed) -> Result<(), CliError> {
    match &args.out {
        Some(out) => write_items(out, &drawn.items, 0)?,
        None if args.json.json => {
            let samples = items_json(drawn);
            return print_json(&json!({"n": args.n(), "seed": args.seed, "samples": samples}));
        }
        None => return print_items(&drawn.items),
    }
    written(args)
}

/// Says where the samples are.
fn written(args: &SampleArgs) -> Result<(), CliError> {
    let Some(out) = &args.out else { return Ok(()) };
    if args.json.json {
        return print_json(&json!({"n": args.n(), "seed": args.seed, "out": out}));
    }
    print_line(&format!("{} samples in {}", args.n(), out.display()))
}

/// Prints each sample piece by piece.
fn stream(
    model: &Model,
    args: &SampleArgs,
    mut asked: Request,
    control: &Control,
) -> Result<(), CliError> {
    if args.from.is_some() || args.data.is_some() || args.latents == LatentsName::Fitted {
        let what = "--stream draws from the model alone: leave out --from, --latents and --data";
        return Err(CliError::Usage(what.into()));
    }
    if args.temperature != 1.0 {
        asked = asked.set("temperature", args.temperature);
    }
    if let Some(prompt) = &args.prompt {
        asked = asked.set("prompt", prompt.as_str());
    }
    let streamer = model.streamer()?;
    for item in args.offset..args.offset + args.n() {
        let mut pieces = streamer.stream(item, &asked, control)?;
        pieces.try_for_each(|piece| print_piece(&piece?))?;
        let last = item + 1 == args.offset + args.n();
        print_text(if last { "\n" } else { "\n\n" })?;
    }
    Ok(())
}

/// Samples from the prior, or from latents that are fitted to data.
fn draw(
    model: &Model,
    args: &SampleArgs,
    mut asked: Request,
    control: &Control,
) -> Result<(), CliError> {
    match (args.latents, &args.data) {
        (LatentsName::Prior, None) => {
            if args.temperature != 1.0 {
                asked = asked.set("temperature", args.temperature);
            }
            if let Some(prompt) = &args.prompt {
                let given = Given::new(Data::Text(Text::new([prompt.as_str()])));
                let items = args.offset..args.offset + args.n();
                let drawn = model.completer()?.detailed(&given, items, &asked, control)?;
                return finish(args, &drawn);
            }
            write_parts(model, args, &asked, control)
        }
        (LatentsName::Fitted, Some(source)) => {
            let data = seen(model, read(source)?)?;
            let items = fitted(model, &data, args, &asked, control)?;
            finish(args, &Detailed { items, details: Vec::new() })
        }
        (LatentsName::Fitted, None) => Err(CliError::Usage(
            "--latents fitted needs --data: the data whose latents are fitted".into(),
        )),
        (LatentsName::Prior, Some(_)) => {
            Err(CliError::Usage("--data is for --latents fitted; the prior needs no data".into()))
        }
    }
}

/// Draws and writes; what is too much for the memory by parts.
fn write_parts(
    model: &Model,
    args: &SampleArgs,
    asked: &Request,
    control: &Control,
) -> Result<(), CliError> {
    let generate = model.generator()?;
    let width = model.layout().map_or(1, |layout| layout.width() as u64).max(1);
    if args.n().saturating_mul(width) > WRITTEN {
        return Err(CliError::Failed(format!(
            "{} samples do not fit on a disk: draw fewer at a time, with --offset",
            args.n()
        )));
    }
    let part = (HELD / width).max(1);
    if args.n() <= part {
        let items = args.offset..args.offset + args.n();
        return finish(args, &generate.detailed(items, asked, control)?);
    }
    let Some(out) = &args.out else {
        return Err(CliError::Usage(format!(
            "{} samples are too many to print: give --out",
            args.n()
        )));
    };
    let parts = args.n().div_ceil(part);
    for i in 0..parts {
        let start = args.offset + i * part;
        let items = start..(start + part).min(args.offset + args.n());
        let drawn = generate.generate(items, asked, control)?;
        write_items(&numbered(out, i), &drawn, 0)?;
    }
    if !args.json.json {
        print_line(&format!(
            "too many for the memory at once: written in {parts} parts, {} and so on",
            numbered(out, 0).display()
        ))?;
    }
    written(args)
}

/// `out.csv` as `out-000.csv`.
fn numbered(path: &Path, part: u64) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(ending) => format!("{stem}-{part:03}.{}", ending.to_string_lossy()),
        None => format!("{stem}-{part:03}"),
    };
    path.with_file_name(name)
}

/// Items of latents that follow a Gaussian, fitted to the latents of data. The temperature scales
/// their distance from the mean.
fn fitted(
    model: &Model,
    data: &Data,
    args: &SampleArgs,
    asked: &Request,
    control: &Control,
) -> Result<Data, CliError> {
    let latent = model.latent()?;
    if !latent.space().has_axes() {
        return Err(CliError::Failed(
            "--latents fitted is for models whose latents are vectors of a space; this model has \
             codes or noise, which no Gaussian describes"
                .into(),
        ));
    }
    let seed = Seed(args.seed);
    let latents = latent.encode(data, &Request::seed(args.seed), control)?;
    let device = device(args.device.device)?;
    let gaussian = LatentGaussian::fit(&[latents.posterior(&device)])?;
    let noise = Noise::new(seed).fork("samples");
    let n = args.n() as usize;
    let mut noise = noise.items(args.offset..args.offset + args.n());
    let drawn = gaussian.sample_latents(n, &mut noise, &device);
    let mut values: Vec<f32> = drawn.into_data().iter::<f32>().collect();
    let mean = gaussian.mean();
    for row in values.chunks_exact_mut(latents.dims) {
        for (v, m) in row.iter_mut().zip(mean) {
            *v = ((f64::from(*v) - m) * args.temperature + m) as f32;
        }
    }
    let mut points = latent.origin(n, asked)?;
    points.values = values;
    let items = args.offset..args.offset + args.n();
    Ok(latent.draw(&points, items, asked, control)?)
}

/// Samples like the given items, in turn.
fn vary(
    model: &Model,
    from: &Pictures,
    strength: f64,
    args: &SampleArgs,
    asked: Request,
    control: &Control,
) -> Result<Data, CliError> {
    if args.latents == LatentsName::Fitted || args.data.is_some() || args.temperature != 1.0 {
        let other = "--from begins with examples: leave out --latents, --data and --temperature";
        return Err(CliError::Usage(other.into()));
    }
    let given = from.items(model)?;
    let asked = asked.set("strength", strength);
    let items = args.offset..args.offset + args.n();
    Ok(model.varier()?.vary(&given, items, &asked, control)?)
}

//! `pyrogen upscale`

use pyrogen::core::Seed;
use pyrogen::data::PictureContext;
use serde_json::json;

use crate::args::UpscaleArgs;
use crate::error::CliError;
use crate::output::{Form, print_json, print_line, write_examples};
use crate::session::{Draw, Session, device};

/// Makes pictures of small ones: one line each, with the small one, the candidates, and the original
/// where there is one.
pub fn run(args: UpscaleArgs) -> Result<(), CliError> {
    if args.n == 0 || args.candidates == 0 {
        return Err(CliError::Usage("-n and --candidates must be at least 1".into()));
    }
    let mut session = Session::open(&args.model, device(args.device.device)?)?;
    let context = small(&session)?;
    session.model.steer(&args.steer.steering())?;
    let layout = session.preparation.layout();
    let form = Form::of(&args.out, layout)?;
    let told = session.read_told(context, &args.input)?.first(args.n);
    let (n, candidates) = (told.len(), args.candidates);
    let each = told.clone().repeat_each(candidates);
    let what = Draw {
        n: n * candidates,
        class: args.class,
        told: Some(&each),
        temperature: 1.0,
        seed: Seed(args.seed),
    };
    let made = session.raw(&session.sample(&what)?);
    if form == Form::Png {
        let small = layout.of_unit(told.values());
        let width = layout.width();
        let row = |i: usize| {
            let original = told.originals.as_deref().map_or(&[][..], |o| &o[i * width..][..width]);
            let drawn = &made[i * candidates * width..][..candidates * width];
            [&small[i * width..][..width], drawn, original].concat()
        };
        let rows: Vec<f32> = (0..n).flat_map(row).collect();
        let columns = 1 + candidates + usize::from(told.originals.is_some());
        write_examples(&args.out, &rows, None, layout, columns)?;
    } else {
        write_examples(&args.out, &made, None, layout, 0)?;
    }
    if args.json.json {
        return print_json(&json!({"n": n, "candidates": candidates, "out": args.out}));
    }
    let out = args.out.display();
    print_line(&format!("{n} pictures with {candidates} candidates in {out}"))
}

/// The context of a model that makes pictures larger.
fn small(session: &Session) -> Result<PictureContext, CliError> {
    match session.context {
        Some(context @ PictureContext::Small { .. }) => Ok(context),
        other => {
            let told = other.map_or("nothing".into(), |context| format!("`{context}`"));
            let why = format!("it is told {told}: train one with --context small:FACTOR");
            Err(session.cannot("upscale", &why))
        }
    }
}

//! `pyrogen sample`

use pyrogen::core::{Examples, Noise, Seed};
use serde_json::json;

use crate::args::{LatentsName, SampleArgs};
use crate::error::CliError;
use crate::latents::FittedPrior;
use crate::output::{Form, print_json, print_line, write_examples};
use crate::session::{Draw, Session, device};
use crate::told::Pictures;

/// Draws new examples and writes them.
pub fn run(args: SampleArgs) -> Result<(), CliError> {
    let mut session = Session::open(&args.model, device(args.device.device)?)?;
    session.model.steer(&args.steer.steering())?;
    let layout = session.preparation.layout();
    Form::of(&args.out, layout)?;
    let told = session.told(args.told.context.as_ref())?;
    let what = Draw {
        n: args.n,
        class: args.class,
        told: told.as_ref(),
        temperature: args.temperature,
        seed: Seed(args.seed),
    };
    let prepared = match (&args.from, args.strength) {
        (Some(from), Some(strength)) => vary(&session, from, strength, &args, &what)?,
        _ => draw(&session, &args, &what)?,
    };
    let raw = session.raw(&prepared);
    let labels = session.drawn_classes(&what);
    write_examples(&args.out, &raw, labels.as_deref(), layout, 0)?;
    if args.json.json {
        return print_json(&json!({"n": args.n, "seed": args.seed, "out": args.out}));
    }
    print_line(&format!("{} samples in {}", args.n, args.out.display()))?;
    Ok(())
}

/// Samples from the prior, or from latents that are fitted to data.
fn draw(session: &Session, args: &SampleArgs, what: &Draw) -> Result<Vec<f32>, CliError> {
    match (args.latents, &args.data) {
        (LatentsName::Prior, None) => session.sample(what),
        (LatentsName::Fitted, Some(source)) => {
            let prior = FittedPrior::of(session, source.load()?, what.seed)?;
            session.sample_fitted(&prior, what)
        }
        (LatentsName::Fitted, None) => Err(CliError::Usage(
            "--latents fitted needs --data: the data whose latents are fitted".into(),
        )),
        (LatentsName::Prior, Some(_)) => {
            Err(CliError::Usage("--data is for --latents fitted; the prior needs no data".into()))
        }
    }
}

/// Samples like the given examples, in turn.
fn vary(
    session: &Session,
    from: &Pictures,
    strength: f64,
    args: &SampleArgs,
    what: &Draw,
) -> Result<Vec<f32>, CliError> {
    if args.latents == LatentsName::Fitted || args.data.is_some() || what.temperature != 1.0 {
        let other = "--from begins with examples: leave out --latents, --data and --temperature";
        return Err(CliError::Usage(other.into()));
    }
    let given = session.prepare(session.read_pictures(from)?)?;
    let start = Noise::new(what.seed).fork("given");
    session.draw(what, |rows, options, noise| {
        let picked: Vec<usize> = rows.clone().map(|i| i % given.len()).collect();
        let mut own = start.rows(rows, what.n);
        let x = given.batch(&picked, &mut own, &session.device).x;
        let varied = session.model.vary(x, strength, &options.condition, noise);
        varied.unwrap_or_else(|| {
            Err(session.cannot("begin with examples", "it does not remove noise step by step"))
        })
    })
}

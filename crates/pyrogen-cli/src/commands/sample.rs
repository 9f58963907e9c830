//! `pyrogen sample`

use pyrogen::core::Seed;
use serde_json::json;

use crate::args::{LatentsName, SampleArgs};
use crate::error::CliError;
use crate::latents::FittedPrior;
use crate::output::{Form, print_json, print_line, write_examples};
use crate::session::{Session, device};

/// Draws new examples and writes them.
pub fn run(args: SampleArgs) -> Result<(), CliError> {
    let mut session = Session::open(&args.model, device(args.device.device)?)?;
    session.model.steer(&args.steer.steering())?;
    let layout = session.preparation.layout();
    Form::of(&args.out, layout)?;
    let seed = Seed(args.seed);
    let prepared = match (args.latents, &args.data) {
        (LatentsName::Prior, None) => session.sample(args.n, args.class, args.temperature, seed)?,
        (LatentsName::Fitted, Some(source)) => {
            let prior = FittedPrior::of(&session, source.load()?, seed)?;
            session.sample_fitted(&prior, args.n, args.class, args.temperature, seed)?
        }
        (LatentsName::Fitted, None) => {
            return Err(CliError::Usage(
                "--latents fitted needs --data: the data whose latents are fitted".into(),
            ));
        }
        (LatentsName::Prior, Some(_)) => {
            return Err(CliError::Usage(
                "--data is for --latents fitted; the prior needs no data".into(),
            ));
        }
    };
    let raw = session.raw(&prepared);
    let labels = session.drawn_classes(args.n, args.class);
    write_examples(&args.out, &raw, labels.as_deref(), layout, 0)?;
    if args.json.json {
        return print_json(&json!({"n": args.n, "seed": args.seed, "out": args.out}));
    }
    print_line(&format!("{} samples in {}", args.n, args.out.display()))?;
    Ok(())
}

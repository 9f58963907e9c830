//! `pyrogen sample`

use pyrogen::core::Seed;
use serde_json::json;

use crate::args::SampleArgs;
use crate::error::CliError;
use crate::output::{Form, print_json, print_line, write_examples};
use crate::session::{Session, device};

/// Draws new examples and writes them.
pub fn run(args: SampleArgs) -> Result<(), CliError> {
    let mut session = Session::open(&args.model, device(args.device.device)?)?;
    session.model.steer(&args.steer.steering())?;
    let layout = session.preparation.layout();
    Form::of(&args.out, layout)?;
    let prepared = session.sample(args.n, args.class, args.temperature, Seed(args.seed))?;
    let raw = session.raw(&prepared);
    let labels = session.drawn_classes(args.n, args.class);
    write_examples(&args.out, &raw, labels.as_deref(), layout, 0)?;
    if args.json.json {
        return print_json(&json!({"n": args.n, "seed": args.seed, "out": args.out}));
    }
    print_line(&format!("{} samples in {}", args.n, args.out.display()))?;
    Ok(())
}

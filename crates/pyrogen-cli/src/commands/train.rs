//! `pyrogen train`

use std::time::Instant;

use pyrogen::core::{Seed, config};
use pyrogen::data::{By, Loaded, PartitionSpec};
use pyrogen::model::Registry;
use pyrogen::model::train::{Existing, Plan, Trained, Wanted, Wish, plan, read_config, train};
use pyrogen::train::Limits;
use pyrogen::{Control, ErrorKind};
use serde_json::{Value, json};

use crate::args::TrainArgs;
use crate::door::{device, read};
use crate::error::CliError;
use crate::output::{note, print_fields, print_json, print_line};
use crate::progress::{Training, control};
use crate::report;

/// Trains a model and writes its run folder with a report.
pub fn run(registry: &Registry, args: TrainArgs) -> Result<(), CliError> {
    let wish = wish(registry, &args)?;
    let data = read(&args.data)?;
    check_monitor(registry, &args, &data)?;
    if args.dry_run {
        return dry_run(registry, &args, &data, wish);
    }
    let trained = carry_out(registry, &args.family, &data, &wish)?;
    report::write(&trained, &wish, !args.no_evaluate, &control())?;
    let path = args.out.join("report.html");
    if args.json.json {
        let card = trained.open(&wish.device)?.card().clone();
        return print_json(&json!({
            "out": args.out,
            "report": path,
            "steps": card.steps,
            "scores": card.scores,
        }));
    }
    print_line(&format!("report: {}", path.display()))
}

/// Trains, and says how to go on where a signal ended it.
pub fn carry_out(
    registry: &Registry,
    family: &str,
    data: &Loaded,
    wish: &Wish,
) -> Result<Trained, CliError> {
    let planned = plan(registry, family, &data.data, data.test.as_ref(), wish)?;
    say_label(data, &planned.model);
    let limits = planned.train.limits;
    let mut shown = Training::new(limits, wish.dashboard);
    let control = Control::with_flag(crate::signals::cancelled());
    let test = data.test.as_ref();
    match train(registry, family, &data.data, test, wish, &mut shown, &control) {
        Err(e) if e.kind() == ErrorKind::Cancelled => Err(CliError::Cancelled(format!(
            "stopped after step {}; the state is saved: go on with the same command and --resume",
            shown.last
        ))),
        trained => Ok(trained?),
    }
}

/// Says that the label column of a table is no part of what is learnt.
fn say_label(data: &Loaded, model: &Value) {
    let Some(rows) = data.data.raw_rows() else { return };
    let (Some(label), true) = (&rows.layout().label, model["classes"].is_null()) else { return };
    let classes = rows.layout().class_names.len();
    let set = match model.get("classes") {
        Some(_) => format!("; --set classes={classes} makes it the condition of the model"),
        None => String::new(),
    };
    note(&format!("note: the label `{}` is not learnt, samples do not have it{set}", label.name));
}

/// What the arguments ask for.
fn wish(registry: &Registry, args: &TrainArgs) -> Result<Wish, CliError> {
    if let Some(minutes) = args.minutes.filter(|m| !(m.is_finite() && *m > 0.0)) {
        return Err(CliError::Usage(format!("--minutes must be a number above 0, got {minutes}")));
    }
    registry.find(&args.family)?;
    let mut wish = Wish::into(&args.out);
    wish.source = args.data.to_string();
    wish.seed = Seed(args.seed);
    wish.device = device(args.device.device)?;
    wish.context = args.context;
    wish.config = args.config.as_deref().map(read_config).transpose()?;
    wish.set = args.set.clone();
    if let Some(workers) = args.workers {
        wish.set.push(format!("train.gradient.workers={workers}"));
    }
    let monitor = [
        ("on_collapse", args.on_collapse.map(|o| o.to_string())),
        ("every", args.monitor_every.map(|n| n.to_string())),
    ];
    for (field, value) in monitor {
        if let Some(value) = value {
            wish.set.push(format!("train.players.monitor.{field}={value}"));
        }
    }
    wish.limits = (args.epochs.is_some() || args.steps.is_some() || args.minutes.is_some())
        .then_some(Limits { epochs: args.epochs, steps: args.steps, minutes: args.minutes });
    wish.existing = match (args.resume, args.overwrite) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Overwrite,
        _ => Existing::Refuse,
    };
    wish.dashboard = args.dashboard;
    wish.from = args.from.clone();
    parts(args, &mut wish)?;
    Ok(wish)
}

/// Options of a collapse monitor are for families that have one.
fn check_monitor(registry: &Registry, args: &TrainArgs, data: &Loaded) -> Result<(), CliError> {
    let given = [
        ("--on-collapse", args.on_collapse.is_some()),
        ("--monitor-every", args.monitor_every.is_some()),
    ];
    let Some((option, _)) = given.iter().find(|(_, given)| *given) else { return Ok(()) };
    let family = registry.find(&args.family)?;
    family.check_modality(data.data.modality())?;
    let wanted = Wanted { data: &data.data, context: None, context_shape: None };
    let defaults = family.train().map(|t| t.defaults(&wanted)).transpose()?;
    if defaults.is_some_and(|d| d.train.players.is_some()) {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "{option} is for families of two players, whose training can collapse"
    )))
}

/// Which items are held out.
fn parts(args: &TrainArgs, wish: &mut Wish) -> Result<(), CliError> {
    let default = PartitionSpec::default();
    wish.partition = PartitionSpec {
        test: args.test_share.unwrap_or(default.test),
        validation: args.validation_share.unwrap_or(default.validation),
        by: match (&args.group, args.ordered) {
            (Some(column), _) => By::Group { column: column.clone() },
            (None, true) => By::Ordered,
            (None, false) => By::Random,
        },
    };
    if let Some(source) = &args.test {
        wish.test = Some(read(source)?.data);
        wish.test_source = Some(source.to_string());
    }
    if let Some(source) = &args.validation {
        wish.validation = Some(read(source)?.data);
        wish.validation_source = Some(source.to_string());
    }
    Ok(())
}

/// Steps that a dry run times.
const TRIED: u64 = 10;

/// The plan, and a time estimated from a few steps.
fn dry_run(
    registry: &Registry,
    args: &TrainArgs,
    data: &Loaded,
    wish: Wish,
) -> Result<(), CliError> {
    let planned = plan(registry, &args.family, &data.data, data.test.as_ref(), &wish)?;
    let seconds = seconds_a_step(registry, &args.family, data, &wish)?;
    let text = summary(args, &planned, seconds);
    if args.json.json {
        return print_json(&text);
    }
    print_fields(&text, "")
}

/// The mean time of a step, of a few that are trained and thrown away.
fn seconds_a_step(
    registry: &Registry,
    family: &str,
    data: &Loaded,
    wish: &Wish,
) -> Result<f64, CliError> {
    let folder = tempfile::tempdir()?;
    let mut trial = wish.clone();
    trial.out = folder.path().join("run");
    trial.existing = Existing::Refuse;
    trial.limits = Some(Limits { steps: Some(TRIED), ..Limits::default() });
    let mut times = Vec::new();
    let mut watch = |event: &pyrogen::model::train::Event| {
        if matches!(event, pyrogen::model::train::Event::Step { .. }) {
            times.push(Instant::now());
        }
        pyrogen::model::train::Flow::Continue
    };
    let test = data.test.as_ref();
    train(registry, family, &data.data, test, &trial, &mut watch, &control())?;
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(0.0) };
    Ok((*last - *first).as_secs_f64() / (times.len().max(2) - 1) as f64)
}

fn summary(args: &TrainArgs, plan: &Plan, seconds: f64) -> Value {
    // The parameters, their gradients and two moments, in f32; what a step needs comes on top.
    let megabytes = plan.parameters as f64 * 16.0 / 1e6;
    let steps = plan.total_steps();
    json!({
        "family": args.family,
        "data": args.data.to_string(),
        "training_examples": plan.examples,
        "parameters": plan.parameters,
        "megabytes_of_parameters": (megabytes * 100.0).round() / 100.0,
        "steps": steps,
        "seconds_a_step": seconds,
        "seconds": steps.map(|s| s as f64 * seconds),
        "model": plan.model,
        "train": config::to_value(&plan.train),
    })
}

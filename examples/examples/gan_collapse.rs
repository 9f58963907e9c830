//! GANs that collapse in different ways, GANs that do not, and whether the monitor separates them.
//!
//! ```text
//! cargo run -p pyrogen-examples --example gan_collapse            five and five, on default thresholds
//! cargo run -p pyrogen-examples --example gan_collapse 3          the third of these alone
//! cargo run -p pyrogen-examples --example gan_collapse chosen     the runs the defaults were chosen on
//! cargo run -p pyrogen-examples --example gan_collapse digits model.loss=hinge     one run, all readings
//! ```

use std::error::Error;

use pyrogen::metrics::collapse::Sign;
use pyrogen::train::MonitorRow;
use pyrogen_examples::collapse::Run;

/// What happens, to which data, by which settings.
type Case = (&'static str, &'static str, &'static [&'static str]);

/// The seed of the five and five.
const SHOWN: u64 = 3;

/// Broken on purpose; none of these was looked at when the thresholds were chosen.
const COLLAPSING: [Case; 5] = [
    ("one latent, D not held", "digits", &["model.latents=1", "model.regularise.spectral=false"]),
    ("far too high a rate of G", "gaussian-grid", &["train.optimizer.learning_rate=0.05"]),
    ("50 steps of G for one of D", "digits", &MANY),
    ("100 examples, D not held", "digits:100", &["model.regularise.spectral=false"]),
    ("Wasserstein, clip of 1", "gaussian-grid", &[NOT_HELD, CLIP]),
];

/// Sixty steps of the discriminator are three thousand of the generator.
const MANY: [&str; 4] = [
    "train.players.generator_steps=50",
    "train.limits.steps=60",
    "train.players.monitor.every=3",
    "train.players.monitor.thresholds.settle=30",
];
const CLIP: &str = "model.loss={\"wasserstein\":{\"clip\":1.0}}";

/// Meant to work.
const HEALTHY: [Case; 5] = [
    ("non-saturating", "gaussian-grid", &[]),
    ("least squares", "gaussian-grid", &["model.loss=least_squares"]),
    ("non-saturating", "digits", &[]),
    ("hinge", "digits", &["model.loss=hinge"]),
    ("labels", "digits", &["model.classes=10"]),
];

/// On which the thresholds were chosen: other ways to collapse, other data, another seed. The last two
/// that work were meant to collapse, and did not.
const CHOSEN_COLLAPSING: [Case; 5] = [
    ("wide networks, D not held", "eight-gaussians", &[NOT_HELD, WIDE[0], WIDE[1]]),
    ("minimax, rate of G", "moons", &["model.loss=minimax", "train.optimizer.learning_rate=0.05"]),
    (
        "two latents, rate of G",
        "digits",
        &["model.latents=2", "train.optimizer.learning_rate=0.05"],
    ),
    ("60 examples", "digits:60", &["model.regularise.spectral=false", "model.loss=hinge"]),
    ("G far too slow", "digits", &["model.regularise.spectral=false", SLOW]),
];

const NOT_HELD: &str = "model.regularise.penalty=null";
const WIDE: [&str; 2] = [
    "model.networks.mlp.generator.hidden=[128,128,128]",
    "model.networks.mlp.discriminator.hidden=[128,128,128]",
];
const SLOW: &str = "train.optimizer.learning_rate=1e-6";

const FAST: &str = "train.players.discriminator.learning_rate=0.02";

const CHOSEN_HEALTHY: [Case; 7] = [
    ("non-saturating", "gaussian-grid", &[]),
    ("non-saturating", "eight-gaussians", &[]),
    ("non-saturating", "moons", &[]),
    ("least squares", "digits", &["model.loss=least_squares"]),
    ("relativistic", "digits", &["model.loss={\"relativistic\":\"hinge\"}"]),
    ("D fast, held", "digits", &["train.players.discriminator.learning_rate=0.05"]),
    ("D fast, not held", "digits", &["model.regularise.spectral=false", FAST]),
];

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        None => table(&COLLAPSING, &HEALTHY, SHOWN),
        Some((row, [])) if row.parse::<usize>().is_ok_and(|row| (1..=10).contains(&row)) => {
            let row = row.parse::<usize>()? - 1;
            let alone = |cases: &'static [Case], row: Option<usize>| {
                row.and_then(|row| cases.get(row..=row)).unwrap_or_default()
            };
            let later = row.checked_sub(COLLAPSING.len());
            table(alone(&COLLAPSING, Some(row)), alone(&HEALTHY, later), SHOWN)
        }
        Some((first, [])) if first == "chosen" => table(&CHOSEN_COLLAPSING, &CHOSEN_HEALTHY, 2),
        Some((data, set)) => one(data, set.to_vec()),
    }
}

fn table(collapsing: &[Case], healthy: &[Case], seed: u64) -> Result<(), Box<dyn Error>> {
    println!(
        "| run | data | meant to | first alarm | step | all signs |\n|---|---|---|---|---|---|"
    );
    let mut found = [0, 0];
    for (kind, cases) in [collapsing, healthy].into_iter().enumerate() {
        for (name, data, set) in cases {
            let set = set.iter().map(|s| s.to_string()).collect();
            let folder = tempfile::tempdir()?;
            let rows = Run { data: data.to_string(), set, seed }.readings(folder.path())?;
            let first = rows.iter().find(|r| !r.alarms.is_empty());
            found[kind] += usize::from(first.is_some());
            let mut signs: Vec<&str> = Vec::new();
            for name in rows.iter().flat_map(|r| &r.alarms) {
                if !signs.contains(&name.as_str()) {
                    signs.push(name);
                }
            }
            let (sign, step) = match first {
                Some(row) => (row.alarms[0].as_str(), row.reading.step.to_string()),
                None => ("none", String::new()),
            };
            let meant = ["collapse", "work"][kind];
            println!("| {name} | {data} | {meant} | {sign} | {step} | {} |", signs.join(", "));
        }
    }
    println!("\n{} of {} collapses found; {} false alarms", found[0], collapsing.len(), found[1]);
    Ok(())
}

fn one(data: &str, set: Vec<String>) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let run = Run { data: data.to_string(), set, seed: 2 };
    for MonitorRow { reading, alarms } in run.readings(folder.path())? {
        let number = |sign: Sign| {
            sign.of(&reading).map(|v| format!("{} {v:.3}", sign.name())).unwrap_or_default()
        };
        let numbers = Sign::ALL.map(number).join("  ");
        println!("{:>6}  {numbers}  {}", reading.step, alarms.join("+"));
    }
    Ok(())
}

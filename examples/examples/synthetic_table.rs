//! Synthetic rows of a table: trains a model on it, writes rows of its own as CSV, and measures how
//! good they are on real rows that the model has not seen.
//!
//! ```text
//! cargo run -p pyrogen-examples --example synthetic_table [SOURCE TARGET [STEPS [RECIPE [PART [MODEL]]]]]
//! cargo run -p pyrogen-examples --example synthetic_table -- csv:adult.csv,missing=category \
//!     income-per-year
//! ```
//!
//! TARGET is a categorical column that a classifier is to tell from the others. RECIPE says how
//! numbers are prepared: `standardised`, `quantiles` (made normal) or `spikes` (the default: made
//! normal, but for values that a twentieth of the rows have, which become categories). PART is what
//! is measured on: `test` (the default), or `validation` to choose settings by. MODEL is `vae` (the
//! default), `diffusion` or `flow`. Without arguments the table is a made-up one.
//!
//! Four questions: are the columns distributed as in the real table; do they depend on each other
//! as there; does a classifier learn as much from generated rows as from real ones; and are the rows
//! new, that is, no nearer to the training rows than held-out rows are? The training rows are
//! measured in the same way, as the best that can be expected.

use std::error::Error;
use std::path::Path;

use pyrogen::data::{Bounds, Dataset, Holdout, Recipe, Source, Split, write_csv};
use pyrogen::metrics::{ColumnValues, association_difference};
use pyrogen::prelude::*;
use pyrogen::train::plot::{Series, lines};
use pyrogen::train::report::Report;
use pyrogen_examples::runs;
use pyrogen_examples::tables::{Synthesis, Task, column_values, customers, synthesise};

const SEED: Seed = Seed(1);

/// Runs the example on what the arguments say.
pub fn main() -> Result<(), Box<dyn Error>> {
    let folder = runs::run_folder("synthetic-table")?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |i: usize, default: &str| args.get(i).cloned().unwrap_or(default.into());
    let source = arg(0, &format!("csv:{}", folder.join("customers.csv").display()));
    if args.is_empty() {
        std::fs::write(folder.join("customers.csv"), customers(3000, SEED))?;
    }
    let data = source.parse::<Source>()?.load()?;
    let recipe = match arg(3, "spikes").as_str() {
        "standardised" => Recipe::Table,
        "quantiles" => Recipe::QuantileTable { spike: 2.0, bounds: Bounds::Tails },
        "spikes" => Recipe::QuantileTable { spike: 0.05, bounds: Bounds::Tails },
        other => {
            return Err(format!("RECIPE: standardised, quantiles or spikes, not {other}").into());
        }
    };
    let (steps, maker) = (arg(2, "1500").parse()?, arg(5, "vae").parse()?);
    let validate = arg(4, "test") == "validation";
    let how = Synthesis { maker, recipe, steps, seed: SEED };
    run(&data, &arg(1, "returns"), &how, validate, &folder)
}

/// Trains for so many steps, writes `synthetic.csv` and the report into the folder.
pub fn run(
    data: &Dataset,
    target: &str,
    how: &Synthesis,
    validate: bool,
    folder: &Path,
) -> Result<(), Box<dyn Error>> {
    let Split { train, test } = data.split(Holdout::Fraction(0.2), SEED)?;
    let Split { train, test: validation } = train.hold_out(Holdout::Fraction(0.1), SEED)?;
    let (held_out, part) = if validate { (validation, "validation") } else { (test, "test") };
    let made = synthesise(&train, how, train.len())?;
    write_csv(&folder.join("synthetic.csv"), made.values(), None, made.layout())?;

    let mut report = Report::new("Synthetic rows");
    report.text(&format!("{} training rows, {} {part} rows", train.len(), held_out.len()));
    let [real, own, drawn] = [&held_out, &train, &made].map(column_values);
    let columns = train.schema().map_or(&[][..], |s| &s.columns);
    let (mut rows, mut mean) = (Vec::new(), [0.0; 2]);
    println!(
        "column                synthetic  training   (distance from the {part} rows' marginal)"
    );
    for (j, column) in columns.iter().enumerate() {
        let far = [real[j].difference(&drawn[j])?, real[j].difference(&own[j])?];
        mean.iter_mut().zip(far).for_each(|(m, d)| *m += d / columns.len() as f64);
        println!("{:20}  {:9.4}  {:8.4}", column.name, far[0], far[1]);
        rows.push([vec![column.name.clone()], far.map(|d| format!("{d:.4}")).to_vec()].concat());
    }
    rows.push([vec!["mean".into()], mean.map(|d| format!("{d:.4}")).to_vec()].concat());
    report.section("Marginals").table(&["column", "synthetic", "training"], &rows);

    let task = Task::new(&train, target)?;
    let mut rows =
        vec![vec!["marginals, mean distance".into()], vec!["pairs, mean difference".into()]];
    rows.extend(["accuracy", "area under the ROC curve"].map(|n| vec![format!("{target}: {n}")]));
    let shares = ["copies", "below the held-out rows' 5 % quantile", "median"];
    rows.extend(shares.map(|n| vec![format!("distance to the closest training row: {n}")]));
    let unseen = task.closest(&held_out, &train)?;
    for (i, (table, values)) in [(&made, &drawn), (&train, &own)].into_iter().enumerate() {
        let use_ = task.usefulness(table, &held_out, how.steps, SEED)?;
        let closest = if i == 0 { task.closest(table, &train)? } else { unseen.clone() };
        let share = |limit: f64| {
            closest.iter().filter(|d| **d <= limit).count() as f64 / closest.len() as f64
        };
        let cells = [
            mean[i],
            association_difference(&real, values)?,
            use_.accuracy,
            use_.auroc.unwrap_or(f64::NAN),
            share(0.0),
            share(unseen[unseen.len() / 20]),
            closest[closest.len() / 2],
        ];
        rows.iter_mut().zip(cells).for_each(|(row, v)| row.push(format!("{v:.4}")));
    }
    println!("{:75}  synthetic  real", "");
    rows.iter().for_each(|r| println!("{:75}  {:>9}  {:>6}", r[0], r[1], r[2]));
    report.section("Rows").table(&["", "synthetic", "real"], &rows);
    for (j, column) in columns.iter().enumerate() {
        if let (ColumnValues::Numbers(real), ColumnValues::Numbers(drawn)) = (&real[j], &drawn[j]) {
            let series = [curve("real", real), curve("synthetic", drawn)];
            let svg = lines(&column.name, &column.name, "share of rows below", &series)?;
            report.plot(&svg, &format!("{} on the {part} rows", column.name));
        }
    }
    runs::save(&report, folder)
}

/// An empirical distribution function at 200 places.
fn curve(name: &str, values: &[f64]) -> Series {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    let points = (0..=200).map(|i| (values[i * last / 200], i as f64 / 200.0)).collect();
    Series { name: name.into(), points }
}

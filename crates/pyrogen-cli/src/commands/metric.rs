//! `pyrogen metric`

use std::path::Path;

use pyrogen::core::Seed;
use pyrogen::data::{Matrix, read_matrix};
use pyrogen::metrics::{Features, Metric};

use crate::args::MetricArgs;
use crate::error::CliError;
use crate::output::{print_json, print_line};

/// Compares two files of samples or features.
pub fn run(args: MetricArgs) -> Result<(), CliError> {
    let (Some(name), Some(real), Some(generated)) = (args.name, args.real, args.generated) else {
        let what = "give a metric and two files: pyrogen metric NAME REAL GENERATED";
        return Err(CliError::Usage(what.into()));
    };
    let mut metric: Metric =
        name.parse().map_err(|e: pyrogen::metrics::MetricError| CliError::Usage(e.to_string()))?;
    match (&mut metric, args.k) {
        (_, None) => {}
        (Metric::Prdc { k }, Some(given)) => *k = given,
        (other, Some(_)) => {
            return Err(CliError::Usage(format!(
                "-k is for prdc; {} has no neighbours",
                other.name()
            )));
        }
    }
    let Pair { real, generated, hash } = pair(&real, &generated)?;
    let report = metric.compute(&real, &generated, Seed(args.seed))?.of_data(&hash);
    if args.json.json {
        return print_json(&report);
    }
    for (name, value) in report.values() {
        print_line(&format!("{name}: {value}"))?;
    }
    print_line(&format!("signature: {}", report.signature()))?;
    Ok(())
}

/// Features of two files.
pub struct Pair {
    pub real: Features,
    pub generated: Features,
    /// The hash of the real rows.
    pub hash: String,
}

/// Reads features of two files; columns go by name, where both files name them.
pub fn pair(real: &Path, generated: &Path) -> Result<Pair, CliError> {
    let first = read_matrix(real)?;
    let second = read_matrix(generated)?.like(&first)?;
    let hash = first.sha256();
    Ok(Pair { real: features(real, first)?, generated: features(generated, second)?, hash })
}

fn features(path: &Path, matrix: Matrix) -> Result<Features, CliError> {
    Features::new(matrix.values, matrix.rows, matrix.cols)
        .map_err(|e| CliError::Failed(format!("{}: {e}", path.display())))
}

//! How long a step of expectation maximisation and a whole fit take. `scripts/speed.py` times it beside
//! scikit-learn.
//!
//! ```text
//! speed table                        milliseconds a step against rows, columns and components
//! speed serve-step FILE COLUMNS K    reads rows of f64 (little endian), says `ready`, then answers each
//! speed serve-fit FILE COLUMNS K     line on standard input with `MILLISECONDS LOG_LIKELIHOOD_PER_ROW`
//! ```

use std::error::Error;
use std::io::{BufRead, stdin};
use std::time::Instant;

use pyrogen_core::{Noise, Seed};
use pyrogen_mixture::{CovarianceModel, Em, MixtureConfig, Table, fit};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["table"] => costs(),
        ["serve-step", file, columns, k] => serve(&read(file, columns)?, k.parse()?, true),
        ["serve-fit", file, columns, k] => serve(&read(file, columns)?, k.parse()?, false),
        _ => Err("give table, serve-step or serve-fit".into()),
    }
}

fn read(file: &str, columns: &str) -> Result<Table, Box<dyn Error>> {
    let bytes = std::fs::read(file)?;
    let number = |b: &[u8]| f64::from_le_bytes(b.try_into().expect("eight bytes"));
    Ok(Table::numeric(bytes.chunks_exact(8).map(number).collect(), columns.parse()?)?)
}

/// scikit-learn's tolerance.
fn config(components: usize) -> MixtureConfig {
    MixtureConfig { components, tolerance: 1e-3, max_steps: 100, ..Default::default() }
}

fn serve(table: &Table, k: usize, step: bool) -> Result<(), Box<dyn Error>> {
    let noise = Noise::new(Seed(1));
    let steps = MixtureConfig { tolerance: 0.0, max_steps: u64::MAX, ..config(k) };
    let first = Em::new(steps, table, &noise)?;
    println!("ready");
    for (i, line) in stdin().lock().lines().enumerate() {
        line?;
        // The same step again and again: one that has converged would be no work.
        let mut em = first.clone();
        let started = Instant::now();
        let value = match step {
            true => em.step(table)?.log_likelihood,
            false => {
                let noise = noise.fork_index(i as u64);
                fit(&config(k), table, &noise)?.criteria.log_likelihood
            }
        };
        let milliseconds = started.elapsed().as_secs_f64() * 1e3;
        println!("{milliseconds} {}", value / table.rows() as f64);
    }
    Ok(())
}

/// The fastest of some steps, for each size: one thing changes at a time.
fn costs() -> Result<(), Box<dyn Error>> {
    println!("{:>8} {:>8} {:>4} {:>10} {:>10}", "rows", "columns", "k", "full ms", "diagonal ms");
    let rows = [25_000, 50_000, 100_000, 200_000].map(|n| (n, 16, 8));
    let columns = [4, 8, 16, 32, 64].map(|d| (50_000, d, 8));
    let components = [2, 4, 8, 16, 32].map(|k| (50_000, 16, k));
    for (n, d, k) in rows.into_iter().chain(columns).chain(components) {
        let z = Noise::new(Seed(1)).normal_vec(n * d);
        let shift = |row: usize, j: usize| 3.0 * (((row % k) * (j + 1)) as f64).sin();
        let cells = z.iter().enumerate().map(|(e, z)| z + shift(e / d, e % d)).collect();
        let table = Table::numeric(cells, d)?;
        let mut times = [0.0; 2];
        let models = [CovarianceModel::FULL, CovarianceModel::DIAGONAL];
        for (time, covariance) in times.iter_mut().zip(models) {
            let config = MixtureConfig { covariance, tolerance: 0.0, ..config(k) };
            let first = Em::new(config, &table, &Noise::new(Seed(2)))?;
            *time = f64::INFINITY;
            for _ in 0..7 {
                let mut em = first.clone();
                let started = Instant::now();
                em.step(&table)?;
                *time = time.min(started.elapsed().as_secs_f64() * 1e3);
            }
        }
        println!("{n:>8} {d:>8} {k:>4} {:>10.2} {:>10.2}", times[0], times[1]);
    }
    Ok(())
}

//! Serves one row of the table to `benches/peers/peers.py`.
//!
//! ```text
//! peers list                    the rows, one a line; `train` behind those that take workers
//! peers serve ROW [WORKERS]     builds the work, says `ready`, then answers each `run N` on standard
//!                               input with `MILLISECONDS VALUE`: the mean of N runs, the last result
//! peers serve conv_vae:BATCH,SIDE,WIDTH [WORKERS]   the same row at other sizes; so do
//!                               gmm_step:ROWS,COLUMNS,COMPONENTS, hmm_step:STEPS,COLUMNS,STATES and
//!                               lda_gibbs:DOCUMENTS,TOPICS
//! peers write-model FOLDER      writes the folder that `first-sample` reads
//! peers first-sample FOLDER     loads the folder, draws one picture, says `ready`
//! peers check                   every row on tiny sizes
//! ```
//!
//! `PYROGEN_BENCH_DEVICE` names the device of the rows: `flex` (the CPU), and `wgpu` and `cuda` where
//! the program was built with these features.

use std::io::{BufRead, Write, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use pyrogen::core::parallel::on_pool;
use pyrogen_bench::workload::plain;
use pyrogen_bench::{Plan, Size, Workload, check, growth, rows, sampling};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["list"] => list(),
        // As the command line does.
        ["serve", row] => on_pool(&plain(), || serve(row, "1")),
        ["serve", row, workers] => on_pool(&plain(), || serve(row, workers)),
        ["write-model", folder] => sampling::write_model(Path::new(folder)),
        ["first-sample", folder] => first_sample(folder),
        ["check"] => check::run(),
        _ => Err("give list, serve, write-model, first-sample or check".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("peers: {message}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> Result<(), String> {
    rows().iter().try_for_each(|row| {
        say(if row.trains { format!("{} train", row.name) } else { row.name.to_string() })
    })
}

fn serve(name: &str, workers: &str) -> Result<(), String> {
    let workers = workers.parse().map_err(|_| format!("{workers} is not a number of workers"))?;
    let mut work = build(name, Plan { size: Size::Full, workers })?;
    say("ready".into())?;
    for line in stdin().lock().lines() {
        let line = line.map_err(|e| e.to_string())?;
        let runs = line.strip_prefix("run ").and_then(|n| n.parse::<u32>().ok());
        let runs = runs.ok_or_else(|| format!("expected `run N`, got `{line}`"))?;
        let (milliseconds, value) = timed(work.as_mut(), runs);
        say(format!("{milliseconds} {value}"))?;
    }
    Ok(())
}

fn build(name: &str, plan: Plan) -> Result<Box<dyn Workload>, String> {
    if let Some(built) = growth::build(name, plan) {
        return built;
    }
    let row = rows().into_iter().find(|row| row.name == name);
    let row = row.ok_or_else(|| format!("no row is named {name}"))?;
    Ok((row.build)(plan))
}

/// The mean time of some runs, and the last result. A run ends when the device has ended it.
fn timed(work: &mut dyn Workload, runs: u32) -> (f64, f64) {
    let (mut seconds, mut value) = (0.0, f64::NAN);
    let device = plain();
    for _ in 0..runs {
        work.prepare();
        let started = Instant::now();
        value = work.run();
        device.sync().expect("a device that works");
        seconds += started.elapsed().as_secs_f64();
    }
    (seconds * 1e3 / f64::from(runs), value)
}

fn first_sample(folder: &str) -> Result<(), String> {
    sampling::first_sample(Path::new(folder))?;
    say("ready".into())?;
    // The caller reads this process's memory before it ends.
    stdin().lock().lines().next();
    Ok(())
}

fn say(line: String) -> Result<(), String> {
    let mut out = stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|e| e.to_string())
}

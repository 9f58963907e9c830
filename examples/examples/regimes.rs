//! Finds the regimes of a price series, and draws stress scenarios from the worst of them.
//!
//! ```text
//! cargo run -p pyrogen-examples --example regimes
//! ```
//!
//! The series is made here, so that the truth is known: 3,000 daily returns in per cent from three
//! regimes (calm, nervous, crash), of which each lasts a while. A hidden Markov model learns them
//! without being told which day was which. Prints each regime that it found, how many days are decoded
//! right, and what a holder loses in 20 days that start in the worst regime, beside 20 days that start in
//! the calm one.

use std::error::Error;

use pyrogen::data::{Loaded, Sequences};
use pyrogen::prelude::*;

/// Mean and standard deviation of a day's return, and how many days a regime lasts.
const REGIMES: [(f64, f64, f64); 3] = [(0.06, 0.5, 60.0), (0.0, 1.3, 30.0), (-0.5, 3.5, 12.0)];
const DAYS: usize = 3000;
const SCENARIOS: u64 = 2000;
const AHEAD: usize = 20;

/// What the example finds.
pub struct Found {
    /// The share of the days that are decoded as the regime that they were of.
    pub right: f64,
    /// The return of 20 days that one in twenty scenarios falls short of: from the worst regime, and
    /// from the calm one.
    pub worst: [f64; 2],
}

/// Returns, and the regime of each day.
fn series() -> (Vec<f64>, Vec<usize>) {
    let mut noise = Noise::new(Seed(11)).fork("prices");
    let (z, u) = (noise.normal_vec(DAYS), noise.uniform_vec(2 * DAYS));
    let mut regime = 0;
    let mut regimes = Vec::with_capacity(DAYS);
    let one = |day: usize| {
        if u[2 * day] < 1.0 / REGIMES[regime].2 {
            // From the calm and from the crash to the nervous; from there to either.
            regime = if regime == 1 && u[2 * day + 1] < 0.4 { 2 } else { 1 - regime % 2 };
        }
        regimes.push(regime);
        REGIMES[regime].0 + REGIMES[regime].1 * z[day]
    };
    let returns = (0..DAYS).map(one).collect();
    (returns, regimes)
}

/// The value that the share `share` of all lies below.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(share * values.len() as f64) as usize]
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    run().map(|_| ())
}

/// Learns, decodes and draws.
pub fn run() -> Result<Found, Box<dyn Error>> {
    let (returns, truth) = series();
    let data = Sequences::new(vec!["return".into()], returns, vec![DAYS])?;
    let data = Loaded::new(Data::Sequences(data));
    let (room, control) = (tempfile::tempdir()?, Control::new());
    let mut wish = Wish::into(room.path().join("run")).set("states=3").set("starts=6");
    (wish.partition.test, wish.partition.validation) = (0.0, 0.0);
    let run = pyrogen::train("hmm", &data, &wish, &mut Quiet, &control)?;
    let model = run.open(&Device::flex())?;

    let request = Request::seed(1);
    for finding in model.inspect(&data.data, &request, &control)? {
        println!("{}: {}", finding.title, finding.text);
    }
    let states = model.inspect(&data.data, &request, &control)?.remove(0).value;
    let spread = |state: usize| states[state]["shows"]["return"]["std"].as_f64().unwrap_or(0.0);
    // The states by their spread are the regimes.
    let mut order = [0, 1, 2];
    order.sort_by(|a, b| spread(*a).total_cmp(&spread(*b)));
    let path = &model.assign(&data.data, &request, &control)?.assigned[0];
    let right = path.iter().zip(&truth).filter(|(s, r)| order[**r] == **s as usize).count();
    let right = right as f64 / DAYS as f64;
    println!("{:.1} % of the days are decoded as the regime that they were of", 100.0 * right);

    let loss = |request: Request| -> Result<f64, Box<dyn Error>> {
        let drawn = model.generate(SCENARIOS, &request.set("length", AHEAD), &control)?;
        let Data::Sequences(drawn) = drawn else { unreachable!("a model of sequences") };
        let sums = (0..drawn.lengths().len()).map(|i| drawn.sequence(i).iter().sum()).collect();
        Ok(quantile(sums, 0.05))
    };
    let stress = loss(request.clone().set("state", order[2] + 1))?;
    let calm = loss(request.set("state", order[0] + 1))?;
    println!(
        "one in twenty scenarios of {AHEAD} days loses more than {:.1} % from the worst regime, {:.1} % \
         from the calm one",
        -stress, -calm
    );
    Ok(Found { right, worst: [stress, calm] })
}

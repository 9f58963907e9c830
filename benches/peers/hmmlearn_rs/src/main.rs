//! Rows of the table whose peer is the crate hmmlearn-rs; served as `torch_rows.py` does.
//!
//! ```text
//! hmmlearn-rs-rows serve hmm_step|hmm_viterbi|hmm_score
//! ```
//!
//! Sizes are those of `benches/src/markov.rs`; scaled recursions, its fast form.

use std::error::Error;
use std::io::{BufRead, stdin};
use std::time::Instant;

use hmmlearn::core::Implementation;
use hmmlearn::covariance::CovarStore;
use hmmlearn::models::GaussianHmm;
use hmmlearn::ndarray::{Array1, Array2};

const STATES: usize = 8;
const WIDTH: usize = 4;
const STEPS: usize = 50_000;

/// Regimes of 50 steps with noise of unit variance.
fn series() -> Array2<f64> {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    Array2::from_shape_fn((STEPS, WIDTH), |(t, i)| {
        let normal = (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
        normal + ((t / 50 * 5 + i * 3) % STATES) as f64
    })
}

fn model() -> GaussianHmm {
    let stay = |(i, j)| if i == j { 0.93 } else { 0.01 };
    GaussianHmm::new(STATES)
        .implementation(Implementation::Scaling)
        .init_params("")
        .n_iter(1)
        .start_prob(Array1::from_elem(STATES, 1.0 / STATES as f64))
        .trans_mat(Array2::from_shape_fn((STATES, STATES), stay))
        .means(Array2::from_shape_fn((STATES, WIDTH), |(s, i)| ((s + 3 * i) % STATES) as f64))
        .covars(CovarStore::Diag(Array2::from_elem((STATES, WIDTH), 1.5)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let x = series();
    let fitted = model().into_fitted()?;
    let row = std::env::args().nth(2).unwrap_or_default();
    let run = || -> Result<f64, Box<dyn Error>> {
        Ok(match row.as_str() {
            "hmm_step" => {
                let fitted = model().fit(x.view(), None)?;
                fitted.monitor().history.last().copied().ok_or("no step was made")?
            }
            "hmm_viterbi" => fitted.decode(x.view(), None, None)?.0,
            "hmm_score" => fitted.score(x.view(), None)?,
            other => return Err(format!("no row is named `{other}`").into()),
        })
    };
    println!("ready");
    for line in stdin().lock().lines() {
        let count: u32 = line?.trim_start_matches("run ").trim().parse()?;
        let (started, mut value) = (Instant::now(), 0.0);
        for _ in 0..count {
            value = run()?;
        }
        println!("{} {value}", started.elapsed().as_secs_f64() * 1e3 / f64::from(count));
    }
    Ok(())
}

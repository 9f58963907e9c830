//! Pictures from edge maps by a GAN: several candidates for each map, made from different latents, for a
//! person to choose from.
//!
//! ```text
//! cargo run -p pyrogen-examples --example pix2pix [SOURCE [STEPS]]
//! ```
//!
//! After pix2pix (Isola et al. 2017). A generator whose condition says so much takes no notice of its latents:
//! the paper's authors found that with noise as input, and with dropout as the only noise "minor
//! stochasticity". So two generators are trained: one with the paper's loss, and one that also pays for
//! candidates that are alike (mode seeking; Mao et al. 2019). How far the candidates of a map are apart
//! is printed for both, beside how far two originals are.
//!
//! A line of `runs/pix2pix/pictures.png` is a held-out digit: its edge map, four candidates of the second
//! generator, the original. On the command line it is `pyrogen train gan --context edges --set
//! regularise.diversity=0.1` and `pyrogen sample DIR --context sketch.png`. The example `edges` does the
//! same by diffusion.

use std::error::Error;
use std::path::Path;

use pyrogen::data::{Dataset, PictureContext};
use pyrogen::gan::Gan;
use pyrogen::prelude::*;
use pyrogen::train::report::Report;
use pyrogen_examples::pictures::show_columns;
use pyrogen_examples::restore::host;
use pyrogen_examples::runs;
use pyrogen_examples::translate::{Game, Pairs, Rows, Scores, distance};

/// Candidates of a map.
const CANDIDATES: usize = 4;

/// Weight of the distance from the original beside the discriminator's opinion, and of mode seeking.
const RECONSTRUCTION: f64 = 10.0;
const DIVERSITY: f64 = 0.1;

/// Lines that are shown.
const SHOWN: usize = 12;

/// Runs the example on what the arguments say.
pub fn main() -> Result<(), Box<dyn Error>> {
    let (data, name, args) = runs::data_from_args()?;
    let steps = args.first().map_or(Ok(1000), |s| s.parse())?;
    run(&data, &name, steps, &runs::run_folder("pix2pix")?)
}

/// From edge maps.
pub fn run(data: &Dataset, name: &str, steps: u64, folder: &Path) -> Result<(), Box<dyn Error>> {
    let pairs = Pairs::new(data, PictureContext::Edges)?;
    let original = host(&pairs.test.x);
    let game = Game { adversarial: 1.0, reconstruction: RECONSTRUCTION, diversity: 0.0, steps };
    let plain = candidates(&pairs, &pairs.train("pix2pix", game)?)?;
    let seeking = Game { diversity: DIVERSITY, ..game };
    let diverse = candidates(&pairs, &pairs.train("pix2pix, mode seeking", seeking)?)?;

    let mut report = Report::new("Pictures from edge maps");
    let n = pairs.held_out();
    report.text(&format!("{name}, {steps} steps, {n} held-out pictures, {CANDIDATES} candidates"));
    let mut rows = Rows::default();
    let header = [&["apart"][..], &["edges off"], &Scores::NAMES, &["best, dB"]].concat();
    rows.add("", &header.iter().map(|name| name.to_string()).collect::<Vec<_>>());
    for (name, candidates) in [("pix2pix", &plain), ("pix2pix, mode seeking", &diverse)] {
        let first = &candidates[0];
        let cells = [
            vec![format!("{:.4}", apart(candidates))],
            vec![format!("{:.3}", pairs.context_gap(first)?)],
            pairs.scores(first)?.cells().to_vec(),
            vec![format!("{:.2}", best(&pairs, candidates)?)],
        ];
        rows.add(name, &cells.concat());
    }
    let size: usize = pairs.event.iter().product();
    let originals = distance(&original[size..], &original[..original.len() - size]);
    let line = format!("two originals are {originals:.4} apart");
    println!("{line}");
    report.table(&[&["method"][..], &header].concat(), &rows.all()[1..]);
    report.text(&format!(
        "apart: the mean absolute difference of two candidates of a map, in brightness; {line}. \
         edges off: that of a candidate's edges and the map. best: PSNR of the best candidate."
    ));
    let context = pairs.test.context.as_ref().map(host).ok_or("there is no context")?;
    let columns: Vec<Vec<f32>> = [context].into_iter().chain(diverse).chain([original]).collect();
    let caption = "edge map, four candidates with mode seeking, original";
    show_columns(folder, &mut report, &pairs.event, &columns, SHOWN.min(n), caption)?;
    runs::save(&report, folder)
}

/// Pictures of all maps, once for each of several latents.
fn candidates(pairs: &Pairs, model: &Gan) -> Result<Vec<Vec<f32>>, ModelError> {
    let noise = Noise::new(Seed(2)).fork("candidates");
    let one = |c: usize| Ok(host(&pairs.made(model, &mut noise.fork_index(c as u64))?));
    (0..CANDIDATES).map(one).collect()
}

/// How far the candidates of a map are apart: the mean over the pairs.
fn apart(candidates: &[Vec<f32>]) -> f64 {
    let pairs = (0..CANDIDATES).flat_map(|a| (0..a).map(move |b| (a, b)));
    let all: Vec<f64> = pairs.map(|(a, b)| distance(&candidates[a], &candidates[b])).collect();
    all.iter().sum::<f64>() / all.len() as f64
}

/// The mean over the maps of the best candidate's PSNR: what a person who chooses gets.
fn best(pairs: &Pairs, candidates: &[Vec<f32>]) -> Result<f64, Box<dyn Error>> {
    let of_each: Result<Vec<Vec<f64>>, _> = candidates.iter().map(|c| pairs.psnr(c)).collect();
    let of_each = of_each?;
    let best = (0..pairs.held_out()).map(|i| of_each.iter().map(|c| c[i]).fold(0.0, f64::max));
    Ok(best.sum::<f64>() / pairs.held_out() as f64)
}

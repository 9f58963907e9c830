//! Super-resolution by a GAN: a generator conditioned on a small digit makes a large one, beside squares,
//! cubic convolution and a generator that learns the distance alone.
//!
//! ```text
//! cargo run -p pyrogen-examples --example gan_super_resolution [SOURCE [FACTOR [STEPS]]]
//! cargo run -p pyrogen-examples --example gan_super_resolution -- mnist:DIR 4 2000
//! ```
//!
//! After SRGAN (Ledig et al. 2017): the generator's loss is the mean absolute distance from the original
//! plus the discriminator's opinion; the U-Net makes the small picture large as squares and draws on it.
//! A PSNR asks for the mean of all pictures that could have been small like this, and that mean is
//! blurred; a discriminator asks for one of them. So the GAN's PSNR is to be expected below that of the
//! same generator without a discriminator, and its edges nearer to the originals' (table 2 there). Both
//! are printed.
//!
//! A line of `runs/gan-super-resolution/pictures.png` is a held-out digit: the small one, cubic
//! convolution, the distance alone, the GAN, the original. Without arguments digits of 4x4 become digits
//! of 8x8. On the command line it is `pyrogen train gan --context small:2` and `pyrogen upscale`.

use std::error::Error;
use std::path::Path;

use pyrogen::data::{Dataset, Enlarge, PictureContext};
use pyrogen::prelude::*;
use pyrogen::train::report::Report;
use pyrogen_examples::pictures::show_columns;
use pyrogen_examples::restore::host;
use pyrogen_examples::runs;
use pyrogen_examples::translate::{Game, Pairs, Rows, Scores};

/// Weight of the distance from the original beside the discriminator's opinion.
const RECONSTRUCTION: f64 = 10.0;

/// Lines that are shown.
const SHOWN: usize = 12;

/// Runs the example on what the arguments say.
pub fn main() -> Result<(), Box<dyn Error>> {
    let (data, name, args) = runs::data_from_args()?;
    let factor = args.first().map_or(Ok(2), |f| f.parse())?;
    let steps = args.get(1).map_or(Ok(1000), |s| s.parse())?;
    run(&data, &name, factor, steps, &runs::run_folder("gan-super-resolution")?)
}

/// From pictures so many times smaller.
pub fn run(
    data: &Dataset,
    name: &str,
    factor: usize,
    steps: u64,
    folder: &Path,
) -> Result<(), Box<dyn Error>> {
    let pairs = Pairs::new(data, PictureContext::Small { factor })?;
    let small = pairs.test.context.as_ref().map(host).ok_or("there is no context")?;
    let bicubic = bicubic(&small, pairs.event, factor);
    let game = Game { adversarial: 1.0, reconstruction: RECONSTRUCTION, diversity: 0.0, steps };
    let made = |name: &str, game: Game| -> Result<Vec<f32>, Box<dyn Error>> {
        let model = pairs.train(name, game)?;
        Ok(host(&pairs.made(&model, &mut Noise::new(Seed(2)).fork("large"))?))
    };
    let regression = made("the distance alone", Game { adversarial: 0.0, ..game })?;
    let gan = made("GAN", game)?;

    let mut report = Report::new(&format!("Pictures {factor} times larger"));
    let n = pairs.held_out();
    report.text(&format!("{name}, {steps} steps, {n} held-out pictures"));
    let mut rows = Rows::default();
    rows.add("", &Scores::NAMES.map(String::from));
    for (name, pictures) in [
        ("squares", &small),
        ("cubic convolution", &bicubic),
        ("the distance alone", &regression),
        ("GAN", &gan),
    ] {
        rows.add(name, &pairs.scores(pictures)?.cells());
    }
    report.table(&[&["method"][..], &Scores::NAMES].concat(), &rows.all()[1..]);
    let columns = [small, bicubic, regression, gan, host(&pairs.test.x)];
    let caption = "the small digit, cubic convolution, the distance alone, the GAN, the original";
    show_columns(folder, &mut report, &pairs.event, &columns, SHOWN.min(n), caption)?;
    runs::save(&report, folder)
}

/// Cubic convolution of the small pictures, of which squares are made.
fn bicubic(squares: &[f32], [_, height, width]: [usize; 3], factor: usize) -> Vec<f32> {
    let rows = squares.chunks_exact(width).step_by(factor);
    let small: Vec<f32> = rows.flat_map(|row| row.iter().step_by(factor)).copied().collect();
    Enlarge::Bicubic.apply(&small, [height / factor, width / factor], factor)
}

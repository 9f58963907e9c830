//! Moves in the latent space of a VAE: from one example to another, and from one class to another
//! along the difference of the classes' means.
//!
//! ```text
//! cargo run -p pyrogen-examples --example latent_arithmetic
//! ```
//!
//! Writes `runs/latent-arithmetic.png`. The digits classifier of `pyrogen-metrics` reads what the
//! moves arrive at, so that the result is a number and not an impression.

use std::error::Error;
use std::path::Path;

use pyrogen::core::distribution::Moments;
use pyrogen::core::latent::{AttributeVector, Interpolation};
use pyrogen::data::grid_png_file;
use pyrogen::metrics::DigitsClassifier;
use pyrogen::prelude::*;

/// Pictures in a row of the grid.
const STEPS: usize = 9;

/// From the first digit to the second.
const PAIRS: [(usize, usize); 4] = [(0, 6), (3, 8), (1, 7), (5, 9)];

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    let folder = tempfile::tempdir()?;
    let trained = pyrogen_examples::small_model(folder.path())?;
    let (model, train, test) = (trained.model, trained.train, trained.test);
    let none = Condition::none();

    // Latent means of the training digits, and of held-out ones to move.
    let encode = |x: Tensor<4>| model.encode(x, &none).mean();
    let (z_train, train_labels) = (encode(train.x), train.labels);
    let (z_test, test_labels) = (encode(test.x), test.labels);
    let classifier = DigitsClassifier::new(&device);

    let mut pictures: Vec<f32> = Vec::new();
    println!("share of held-out digits that the classifier reads as the goal");
    println!("move     before   after  reconstructed as they are");
    for (from, to) in PAIRS {
        // An attribute vector: the mean of one class minus the mean of the other.
        let attribute = AttributeVector::between(z_train.clone(), &train_labels, from, to)?;
        let rows = rows_of(&test_labels, from);
        let z = z_test.clone().select(0, pyrogen_examples::indices(&rows, &device));
        let before: Tensor<4> = model.decode(z.clone(), &none);
        let after: Tensor<4> = model.decode(attribute.apply(z.clone(), 1.0), &none);
        let share = |pictures: Tensor<4>, digit: usize| -> Result<f64, Box<dyn Error>> {
            let read = classifier.classify(pictures.clamp(0.0, 1.0))?;
            let right = read.iter().filter(|&&d| d == digit).count();
            Ok(100.0 * right as f64 / read.len() as f64)
        };
        println!(
            "{from} -> {to}  {:5.0} %  {:5.0} %  {:5.0} % read as {from}",
            share(before.clone(), to)?,
            share(after, to)?,
            share(before, from)?
        );

        // A row of the picture: the first of these digits with 0 to 1 of the vector added.
        let first = z.slice(0..1);
        for step in 0..STEPS {
            let strength = step as f64 / (STEPS - 1) as f64;
            let moved: Tensor<4> = model.decode(attribute.apply(first.clone(), strength), &none);
            pictures.extend(moved.into_data().iter::<f32>());
        }
    }

    // Two more rows: from one held-out example to another, straight and along the great circle.
    let end = |digit: usize| -> Tensor<1> {
        let row = rows_of(&test_labels, digit)[0];
        z_test.clone().slice(row..row + 1).flatten(0, 1)
    };
    for way in [Interpolation::Linear, Interpolation::Spherical] {
        let path = way.path(end(2), end(4), STEPS)?;
        let norms = path.clone().square().sum_dim(1).sqrt();
        let norms: Vec<f32> = norms.into_data().iter::<f32>().collect();
        println!(
            "{way:?} from a 2 to a 4: distance from the origin {:.2} at the ends, {:.2} half-way",
            (norms[0] + norms[STEPS - 1]) / 2.0,
            norms[STEPS / 2]
        );
        let decoded: Tensor<4> = model.decode(path, &none);
        pictures.extend(decoded.into_data().iter::<f32>());
    }

    let out = Path::new("runs/latent-arithmetic.png");
    let n = (PAIRS.len() + 2) * STEPS;
    grid_png_file(out, &pictures, n, &model.event_shape(), STEPS, 0)?;
    println!("one row a move, then the two interpolations: {}", out.display());
    Ok(())
}

/// The rows with this label.
fn rows_of(labels: &[usize], label: usize) -> Vec<usize> {
    (0..labels.len()).filter(|&row| labels[row] == label).collect()
}

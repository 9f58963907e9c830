//! Moves in a latent space: morphs, one class into another, italics.

use std::error::Error;
use std::path::Path;

use pyrogen::core::latent::{AttributeVector, Interpolation};
use pyrogen::metrics::DigitsClassifier;
use pyrogen::prelude::*;
use pyrogen::train::report::Report;

use crate::pictures::{rows_of, show, slant, values};
use crate::{Labelled, indices};

/// Pictures in a row of a grid.
const STEPS: usize = 9;

/// From the first digit to the second.
const PAIRS: [(usize, usize); 4] = [(0, 6), (3, 8), (1, 7), (5, 9)];

/// A model of digits in its latent space.
#[derive(Debug)]
pub struct Space<M> {
    /// Makes digits of latents.
    pub model: M,
    /// Digits that attributes are learnt from.
    pub train: Labelled,
    /// Digits that are moved.
    pub test: Labelled,
    /// The latents of `train`.
    pub z_train: Tensor<2>,
    /// The latents of `test`.
    pub z_test: Tensor<2>,
    /// The way from one digit to another.
    pub path: Interpolation,
}

impl<M: Decode<4>> Space<M> {
    /// All moves, as pictures in the folder and in the report, and as numbers.
    ///
    /// # Errors
    /// When there are too few digits of a class, or the system refuses.
    pub fn moves(&self, out: &Path, report: &mut Report) -> Result<(), Box<dyn Error>> {
        self.morphs(out, report)?;
        self.classes(out, report)?;
        self.leaning(out, report)
    }

    /// From one held-out digit to another: the real picture, the way between the two codes, the
    /// other real picture.
    fn morphs(&self, out: &Path, report: &mut Report) -> Result<(), Box<dyn Error>> {
        let mut pictures = Vec::new();
        for (from, to) in PAIRS {
            let [a, b] = [from, to].map(|digit| rows_of(&self.test.labels, digit)[0]);
            let code =
                |row: usize| -> Tensor<1> { self.z_test.clone().slice(row..row + 1).flatten(0, 1) };
            let path = self.path.path(code(a), code(b), STEPS)?;
            let real = |row: usize| self.test.x.clone().slice(row..row + 1);
            pictures.extend([real(a), self.decode(path)?, real(b)].map(values).concat());
        }
        let caption = "Morphs: first and last are the real pictures, between them the codes' way";
        show(&out.join("morphs.png"), report, &pictures, STEPS + 2, caption)
    }

    /// One class into another, and what a classifier reads.
    fn classes(&self, out: &Path, report: &mut Report) -> Result<(), Box<dyn Error>> {
        let classifier = DigitsClassifier::new(&self.z_test.device());
        let (mut pictures, mut rows) = (Vec::new(), Vec::new());
        println!("share of held-out digits that the classifier reads as the goal");
        println!("move     before   after  reconstructed as they are");
        for (from, to) in PAIRS {
            if [from, to].iter().any(|&digit| rows_of(&self.train.labels, digit).is_empty()) {
                println!("{from} -> {to}  there is none of one class to learn from");
                continue;
            }
            // The mean of one class minus the mean of the other.
            let attribute =
                AttributeVector::between(self.z_train.clone(), &self.train.labels, from, to)?;
            let z = self.held_out(&rows_of(&self.test.labels, from));
            let at = |s: f64| self.decode(attribute.apply(z.clone(), s));
            let (before, after) = (at(0.0)?, at(1.0)?);
            let share = |pictures: &Tensor<4>, digit: usize| -> Result<f64, Box<dyn Error>> {
                let read = classifier.classify(pictures.clone().clamp(0.0, 1.0))?;
                let right = read.iter().filter(|&&d| d == digit).count();
                Ok(100.0 * right as f64 / read.len() as f64)
            };
            let shares = [share(&before, to)?, share(&after, to)?, share(&before, from)?];
            let cells = shares.map(|s| format!("{s:.0} %"));
            println!(
                "{from} -> {to}  {:>7}  {:>6}  {:>7} read as {from}",
                cells[0], cells[1], cells[2]
            );
            rows.push([vec![format!("{from} to {to}")], cells.to_vec()].concat());
            pictures.extend(self.walk(z.slice(0..1), &attribute, 0.0, 1.0)?);
        }
        if pictures.is_empty() {
            return Ok(());
        }
        let header = ["move", "before, read as the goal", "after", "reconstructed as it is"];
        report.table(&header, &rows);
        let caption = "0 to 1 of the difference of two classes";
        show(&out.join("classes.png"), report, &pictures, STEPS, caption)
    }

    /// Italics: the mean code of digits that lean more than the median minus that of the others.
    fn leaning(&self, out: &Path, report: &mut Report) -> Result<(), Box<dyn Error>> {
        let leans = slant(self.train.x.clone());
        let mut sorted = leans.clone();
        sorted.sort_by(f64::total_cmp);
        let italic: Vec<bool> = leans.iter().map(|v| *v > sorted[sorted.len() / 2]).collect();
        let attribute = AttributeVector::new(self.z_train.clone(), &italic)?;
        let mean = |s: f64| -> Result<f64, ModelError> {
            let all = slant(self.decode(attribute.apply(self.z_test.clone(), s))?);
            Ok(all.iter().sum::<f64>() / all.len() as f64)
        };
        let (less, same, more) = (mean(-1.0)?, mean(0.0)?, mean(1.0)?);
        let line =
            format!("mean slant: {less:.2} with -1 of it, {same:.2}, {more:.2} with +1 of it");
        println!("{line}");
        report.text(&line);
        let first = |digit: usize| self.held_out(&rows_of(&self.test.labels, digit)[..1]);
        let walk = |digit| self.walk(first(digit), &attribute, -1.5, 1.5);
        let pictures = [2, 3, 5, 8].into_iter().map(walk).collect::<Result<Vec<_>, _>>()?;
        let caption = "-1.5 to 1.5 of the italic attribute";
        show(&out.join("leaning.png"), report, &pictures.concat(), STEPS, caption)
    }

    /// One code with more and more of an attribute, as pictures.
    fn walk(
        &self,
        z: Tensor<2>,
        attribute: &AttributeVector,
        from: f64,
        to: f64,
    ) -> Result<Vec<f32>, ModelError> {
        let strength = |step: usize| from + (to - from) * step as f64 / (STEPS - 1) as f64;
        let codes = (0..STEPS).map(|step| attribute.apply(z.clone(), strength(step))).collect();
        Ok(values(self.decode(Tensor::cat(codes, 0))?))
    }

    fn held_out(&self, rows: &[usize]) -> Tensor<2> {
        self.z_test.clone().select(0, indices(rows, &self.z_test.device()))
    }

    fn decode(&self, z: Tensor<2>) -> Result<Tensor<4>, ModelError> {
        self.model.decode(z, &Condition::none())
    }
}

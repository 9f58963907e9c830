//! Whether a generator collapses, or a discriminator learns by heart, while they train.
//!
//! | sign | number | what it says |
//! |---|---|---|
//! | [`Sign::Recall`] | share of real examples within reach of a generated one | the generator leaves out parts of the data |
//! | [`Sign::Coverage`] | share of real examples with a generated one in their reach | the same, harder to fool by outliers |
//! | [`Sign::Diversity`] | mean distance between generated examples over that between real ones | generated examples are all alike, or fly apart |
//! | [`Sign::Modes`] | share of the classes that are made | whole classes are missing |
//! | [`Sign::Separation`] | how surely the discriminator separates real from generated examples | it has won: the generator learns nothing |
//! | [`Sign::Memory`] | how surely it separates training examples from held-out ones | it learns examples by heart: too few data |
//!
//! A [`Reference`] holds real examples that were not trained on and measures a [`Reading`] of
//! generated ones; an [`Alertness`] turns readings into [`Alarm`]s by [`Thresholds`]. Nothing here
//! knows a network: features come from any extractor, judgements from any discriminator.
//!
//! ```
//! use pyrogen_metrics::Features;
//! use pyrogen_metrics::collapse::{Alertness, Judgements, Reference, Sign, Thresholds};
//!
//! let line = |n: usize, scale: f64| {
//!     Features::new((0..n).map(|i| scale * i as f64).collect(), n, 1).unwrap()
//! };
//! let reference = Reference::new(line(40, 1.0), &line(40, 1.01), None, 5)?;
//! // Forty examples, all in one place.
//! let said = vec![0.0; 40];
//! let judgements = Judgements { held_out: &said, training: &said, generated: &said };
//! let reading = reference.read(100, &line(40, 0.01), &judgements)?;
//! assert!(reading.diversity < 0.02 && reading.coverage <= 0.1);
//!
//! let thresholds = Thresholds { settle: 0, readings: 1, ..Thresholds::default() };
//! let alarms = Alertness::new(thresholds, reference.reach()).push(&reading);
//! assert_eq!(alarms[0].sign, Sign::Recall);
//! println!("{}", alarms[0]);
//! # Ok::<(), pyrogen_metrics::MetricError>(())
//! ```

mod alarm;
mod reading;

pub use alarm::{Alarm, Alertness, Sign, Thresholds};
pub use reading::{Judgements, Reach, Reading, Reference};

//! Inpainting: part of the example is known.

use burn::tensor::Tensor;
use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use crate::finite::Checks;
use crate::sampler::{Step, Walk, ancestral};
use crate::{Levels, SolveError};

/// RePaint: the known part takes its noise from the forward process, the unknown part from DDPM,
/// and steps are repeated so that the two grow together.
///
/// At each step `x' = mask (known + next noise) + (1 - mask) DDPM(x)`; the mask is 1 where the
/// example is known. Every `jump` levels the example gets noise again, back to the level `jump`
/// steps before, `repeats - 1` times.
///
/// The known part of the result is the given one, exactly.
///
/// # References
/// Lugmayr et al. 2022, algorithm 1 and the schedule of its appendix.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_solve::{GaussianMixture, Levels, Repaint};
///
/// let two = GaussianMixture::new(
///     vec![1.0, 1.0],
///     vec![vec![-1.0, -1.0], vec![1.0, 1.0]],
///     vec![0.05, 0.05],
/// );
/// let device = Device::flex();
/// let levels = Levels::karras(30, 0.01, 10.0, 7.0)?;
/// let known = Tensor::<2>::from_data([[1.0, 0.0]], &device);
/// let mask = Tensor::<2>::from_data([[1.0, 0.0]], &device); // the second number is unknown
/// let mut noise = Noise::new(Seed(1));
/// let denoiser = |x, sigma| two.denoise(x, sigma);
/// let x = Repaint::default().sample(denoiser, known, mask, &levels, &mut noise, |_| {})?;
/// let x: Vec<f32> = x.into_data().iter().collect();
/// assert!(x[0] == 1.0 && (x[1] - 1.0).abs() < 0.3);
/// # Ok::<(), pyrogen_solve::SolveError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Repaint {
    /// How often each stretch of `jump` steps is made: 10 in the paper, 1 without going back.
    pub repeats: usize,
    /// Length of a stretch in steps: 10 in the paper, at 250 steps.
    pub jump: usize,
}

impl Default for Repaint {
    /// Four times each step.
    fn default() -> Self {
        Self { repeats: 4, jump: 1 }
    }
}

impl Repaint {
    /// Fills in what the mask leaves open.
    ///
    /// # Shapes
    /// `mask` has the shape of `known`, with 1 allowed on any axis.
    ///
    /// # Errors
    /// A mask of another shape, no repeats or a jump of no length, or a denoiser that gives NaN or
    /// infinity.
    pub fn sample<const D: usize>(
        &self,
        denoiser: impl Fn(Tensor<D>, f64) -> Tensor<D>,
        known: Tensor<D>,
        mask: Tensor<D>,
        levels: &Levels,
        noise: &mut Noise,
        on_step: impl FnMut(&Step<D>),
    ) -> Result<Tensor<D>, SolveError> {
        let (shape, device) = (known.dims(), known.device());
        let mut draw = || noise.normal(shape, &device);
        let x = draw() * levels.first();
        self.sample_with(denoiser, x, known, mask, levels, draw, on_step)
    }

    /// As [`sample`](Self::sample) from `x`, with the noise of another source.
    ///
    /// # Errors
    /// As [`sample`](Self::sample).
    pub fn sample_with<const D: usize>(
        &self,
        denoiser: impl Fn(Tensor<D>, f64) -> Tensor<D>,
        mut x: Tensor<D>,
        known: Tensor<D>,
        mask: Tensor<D>,
        levels: &Levels,
        mut draw: impl FnMut() -> Tensor<D>,
        mut on_step: impl FnMut(&Step<D>),
    ) -> Result<Tensor<D>, SolveError> {
        self.validate()?;
        check_mask(&mask, known.dims())?;
        let values = levels.values();
        let (draw, on_step) = (&mut draw, &mut on_step);
        let checks = Checks::new();
        let mut walk = Walk { denoiser: &denoiser, levels, draw, on_step, checks };
        let open = -mask.clone() + 1.0;
        for event in self.schedule(levels.steps()) {
            match event {
                Event::Step(i) => {
                    let (sigma, next) = (values[i], values[i + 1]);
                    let denoised = walk.first(i, &x, sigma)?;
                    // One draw serves both parts: a place belongs to one of them.
                    let (mean, up) = ancestral::posterior(&x, denoised, sigma, next);
                    let (mut made, mut given) = (mean, known.clone());
                    if next > 0.0 {
                        let noise = (walk.draw)();
                        made = made + noise.clone() * up;
                        given = given + noise * next;
                    }
                    x = given * mask.clone() + made * open.clone();
                }
                Event::Back { from, to } => {
                    let up = (values[to].powi(2) - values[from].powi(2)).sqrt();
                    x = x + (walk.draw)() * up;
                }
            }
        }
        walk.end(x)
    }

    fn validate(&self) -> Result<(), SolveError> {
        /// Steps and ways back are held as a list.
        const MOST: usize = 1000;

        let good = |n: usize| (1..=MOST).contains(&n);
        let check = |name, n| SolveError::check(name, n as f64, good(n), "from 1 to 1000");
        check("repeats", self.repeats)?;
        check("jump", self.jump)
    }

    /// Steps and ways back in their order. Levels are counted from 0; the last before 0 is
    /// `steps - 1`, and from `steps - 1 - k jump` the way leads back.
    fn schedule(&self, steps: usize) -> Vec<Event> {
        let mut left = vec![0; steps];
        let mut level = steps.saturating_sub(1);
        while level >= self.jump {
            left[level] = self.repeats - 1;
            level -= self.jump;
        }
        let mut events = Vec::new();
        let mut level = 0;
        while level < steps {
            events.push(Event::Step(level));
            level += 1;
            if level < steps && left[level] > 0 {
                left[level] -= 1;
                events.push(Event::Back { from: level, to: level - self.jump });
                level -= self.jump;
            }
        }
        events
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// From this level to the next.
    Step(usize),
    /// With noise from a level to an earlier one.
    Back { from: usize, to: usize },
}

/// The denoiser with the known part in its place: inpainting with any sampler, without repeats.
///
/// `mask known + (1 - mask) D(x)`: every sampler then leads the known part to `known` by itself.
/// Cheaper than [`Repaint`], and less sure that the parts fit together.
///
/// # Errors
/// A mask of another shape.
pub fn inpaint<const D: usize>(
    denoiser: impl Fn(Tensor<D>, f64) -> Tensor<D>,
    known: Tensor<D>,
    mask: Tensor<D>,
) -> Result<impl Fn(Tensor<D>, f64) -> Tensor<D>, SolveError> {
    check_mask(&mask, known.dims())?;
    let (given, open) = (known * mask.clone(), -mask + 1.0);
    Ok(move |x, sigma| given.clone() + denoiser(x, sigma) * open.clone())
}

fn check_mask<const D: usize>(mask: &Tensor<D>, shape: [usize; D]) -> Result<(), SolveError> {
    let fits = mask.dims().iter().zip(&shape).all(|(&m, &s)| m == s || m == 1);
    if fits {
        return Ok(());
    }
    Err(SolveError::Mask { expected: shape.to_vec(), got: mask.dims().to_vec() })
}

#[cfg(test)]
mod tests {
    use super::{Event, Repaint};

    #[test]
    fn each_stretch_is_made_as_often_as_asked() {
        let plain = Repaint { repeats: 1, jump: 1 }.schedule(3);
        assert_eq!(plain, [Event::Step(0), Event::Step(1), Event::Step(2)]);
        let twice = Repaint { repeats: 2, jump: 1 }.schedule(3);
        let expected = [
            Event::Step(0),
            Event::Back { from: 1, to: 0 },
            Event::Step(0),
            Event::Step(1),
            Event::Back { from: 2, to: 1 },
            Event::Step(1),
            Event::Step(2),
        ];
        assert_eq!(twice, expected);
        for (repeats, jump, steps) in [(3, 2, 10), (2, 5, 20), (10, 10, 50), (4, 7, 5)] {
            let events = Repaint { repeats, jump }.schedule(steps);
            let (mut level, mut backs) = (0, 0);
            for event in events {
                match event {
                    Event::Step(i) => {
                        assert_eq!(i, level);
                        level += 1;
                    }
                    Event::Back { from, to } => {
                        assert_eq!((from, to + jump), (level, level));
                        level = to;
                        backs += 1;
                    }
                }
            }
            assert_eq!(level, steps);
            assert_eq!(backs, (steps - 1) / jump * (repeats - 1));
        }
    }
}

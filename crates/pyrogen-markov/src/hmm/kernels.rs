//! The inner loops of the scaled recursions, compiled for the processor at hand and for small numbers
//! of states.
//!
//! A product is rounded before it is added (no fused multiply-add), so every processor gives the same
//! bytes.

use pulp::{Arch, NullaryFnOnce};

use pyrogen_core::special::host::exp_in_loops as exp;

/// Probabilities below this one lose their precision soon.
pub(super) const TINY: f64 = 1e-200;

/// States for which the loops are unrolled.
const UNROLLED: usize = 16;

/// Runs `$kernel` with the number of states as a constant where it is small; 0 is any number.
macro_rules! dispatch {
    ($kernel:expr, $k:expr) => {
        match $k {
            1 => Arch::new().dispatch(Sized::<_, 1>($kernel)),
            2 => Arch::new().dispatch(Sized::<_, 2>($kernel)),
            3 => Arch::new().dispatch(Sized::<_, 3>($kernel)),
            4 => Arch::new().dispatch(Sized::<_, 4>($kernel)),
            5 => Arch::new().dispatch(Sized::<_, 5>($kernel)),
            6 => Arch::new().dispatch(Sized::<_, 6>($kernel)),
            8 => Arch::new().dispatch(Sized::<_, 8>($kernel)),
            16 => Arch::new().dispatch(Sized::<_, 16>($kernel)),
            _ => Arch::new().dispatch(Sized::<_, 0>($kernel)),
        }
    };
}

/// A kernel for `N` states.
struct Sized<T, const N: usize>(T);

trait Loop {
    type Output;

    fn run<const N: usize>(self) -> Self::Output;
}

impl<T: Loop, const N: usize> NullaryFnOnce for Sized<T, N> {
    type Output = T::Output;

    #[inline(always)]
    fn call(self) -> T::Output {
        self.0.run::<N>()
    }
}

/// Room for one row of states, on the stack where their number is a constant.
macro_rules! room {
    ($name:ident, $n:ident, $k:ident) => {
        let mut local = [0.0f64; UNROLLED];
        let mut heap = vec![0.0f64; if $n == 0 { $k } else { 0 }];
        let $name: &mut [f64] = if $n == 0 { &mut heap } else { &mut local[..$k] };
    };
}

/// Divides the emission densities of each step by the largest, `logs` to `scaled` (`[steps, k]`). Gives
/// the sum of the logarithms of the largest, or the first step at which all are 0.
pub(super) fn scale_emissions(k: usize, logs: &[f64], scaled: &mut [f64]) -> Result<f64, usize> {
    dispatch!(ScaleEmissions { k, logs, scaled }, k)
}

struct ScaleEmissions<'a> {
    k: usize,
    logs: &'a [f64],
    scaled: &'a mut [f64],
}

impl Loop for ScaleEmissions<'_> {
    type Output = Result<f64, usize>;

    #[inline(always)]
    fn run<const N: usize>(self) -> Self::Output {
        let k = if N == 0 { self.k } else { N };
        let mut sum = 0.0;
        let rows = self.logs.chunks_exact(k).zip(self.scaled.chunks_exact_mut(k));
        for (t, (logs, scaled)) in rows.enumerate() {
            let mut largest = f64::NEG_INFINITY;
            for log in logs {
                largest = if *log > largest { *log } else { largest };
            }
            if largest == f64::NEG_INFINITY {
                return Err(t);
            }
            sum += largest;
            scaled.iter_mut().zip(logs).for_each(|(s, log)| *s = log - largest);
        }
        // One long loop: of a row of a few states no vectors are made.
        self.scaled.iter_mut().for_each(|s| *s = exp(*s));
        Ok(sum)
    }
}

/// What the scaled forward recursion reads.
pub(super) struct Forward<'a> {
    pub(super) k: usize,
    /// `[from, to]`.
    pub(super) transition: &'a [f64],
    /// Scaled emission densities, `[steps, k]`.
    pub(super) emissions: &'a [f64],
    /// Logarithms of the emission densities, where a product that underflows must be found.
    pub(super) logs: Option<&'a [f64]>,
    /// State probabilities at the first step, before it is observed.
    pub(super) first: &'a [f64],
    /// Filtered probabilities, `[steps, k]`.
    pub(super) filtered: &'a mut [f64],
}

/// Fills `filtered`; gives the sum of the logarithms of the scales. None where a probability that is
/// not 0 would be lost, or all are 0.
pub(super) fn forward(args: Forward<'_>) -> Option<f64> {
    let k = args.k;
    dispatch!(args, k)
}

impl Loop for Forward<'_> {
    type Output = Option<f64>;

    #[inline(always)]
    fn run<const N: usize>(self) -> Option<f64> {
        let k = if N == 0 { self.k } else { N };
        let transition = &self.transition[..k * k];
        room!(sums, N, k);
        let (mut log_scale, mut scale) = (0.0, 1.0f64);
        let steps = self.filtered.len() / k;
        for t in 0..steps {
            let (before, rest) = self.filtered.split_at_mut(t * k);
            let now = &mut rest[..k];
            let emissions = &self.emissions[t * k..][..k];
            if t == 0 {
                sums.copy_from_slice(&self.first[..k]);
            } else {
                let last = &before[(t - 1) * k..][..k];
                sums.fill(0.0);
                for i in 0..k {
                    let row = &transition[i * k..][..k];
                    for j in 0..k {
                        sums[j] += last[i] * row[j];
                    }
                }
            }
            let mut total = 0.0;
            for j in 0..k {
                now[j] = sums[j] * emissions[j];
                total += now[j];
            }
            // Also where it is NaN.
            if total.is_nan() || total <= TINY {
                return None;
            }
            let inverse = 1.0 / total;
            now.iter_mut().for_each(|p| *p *= inverse);
            scale *= total;
            if scale < TINY {
                log_scale += scale.ln();
                scale = 1.0;
            }
            if let Some(logs) = self.logs {
                let last = (t > 0).then(|| &before[(t - 1) * k..][..k]);
                if loses(k, transition, now, last, self.first, &logs[t * k..][..k]) {
                    return None;
                }
            }
        }
        Some(log_scale + scale.ln())
    }
}

/// Whether a probability is nearly 0 that should not be exactly 0.
#[inline(always)]
fn loses(
    k: usize,
    transition: &[f64],
    now: &[f64],
    last: Option<&[f64]>,
    first: &[f64],
    logs: &[f64],
) -> bool {
    (0..k).any(|j| {
        now[j] < TINY
            && logs[j] > f64::NEG_INFINITY
            && match last {
                None => first[j] > 0.0,
                Some(last) => (0..k).any(|i| last[i] > 0.0 && transition[i * k + j] > 0.0),
            }
    })
}

/// What the scaled backward recursion with posteriors reads.
pub(super) struct Smooth<'a> {
    pub(super) k: usize,
    /// `[to, from]`.
    pub(super) transposed: &'a [f64],
    pub(super) emissions: &'a [f64],
    /// Filtered probabilities of the run; posteriors afterwards.
    pub(super) filtered: &'a mut [f64],
    /// Filtered probabilities of the step before the run; none at a sequence's start.
    pub(super) before: Option<&'a [f64]>,
    /// Backward messages of the last step, up to a factor; afterwards those of the first.
    pub(super) message: &'a mut [f64],
    /// Sums of `filtered[t - 1][i] * (emission * message)[t][j] / scale`, `[i, j]`: times the
    /// transition matrix they are the expected numbers of transitions.
    pub(super) pairs: &'a mut [f64],
    /// What the run counts.
    pub(super) weight: f64,
}

/// Turns filtered probabilities into posteriors and adds up pairs. False where all posteriors of a
/// step underflow.
pub(super) fn smooth(args: Smooth<'_>) -> bool {
    let k = args.k;
    dispatch!(args, k)
}

impl Loop for Smooth<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<const N: usize>(self) -> bool {
        let k = if N == 0 { self.k } else { N };
        let transposed = &self.transposed[..k * k];
        let (message, pairs) = (&mut self.message[..k], &mut self.pairs[..k * k]);
        room!(ahead, N, k);
        let steps = self.filtered.len() / k;
        let last = &self.filtered[(steps - 1) * k..][..k];
        if !normalise(k, message, last) {
            return false;
        }
        for t in (0..steps).rev() {
            let (earlier, rest) = self.filtered.split_at_mut(t * k);
            let (now, emissions) = (&mut rest[..k], &self.emissions[t * k..][..k]);
            for j in 0..k {
                now[j] *= message[j];
                ahead[j] = emissions[j] * message[j];
            }
            let last = match t {
                0 => self.before,
                t => Some(&earlier[(t - 1) * k..][..k]),
            };
            let Some(last) = last else { break };
            message.fill(0.0);
            for j in 0..k {
                let column = &transposed[j * k..][..k];
                for i in 0..k {
                    message[i] += ahead[j] * column[i];
                }
            }
            let mut total = 0.0;
            for i in 0..k {
                total += last[i] * message[i];
            }
            if !(total > TINY && total < 1.0 / TINY) {
                return false;
            }
            let inverse = 1.0 / total;
            for i in 0..k {
                // What cannot be reached has no posterior, and its message could grow without end.
                message[i] = if last[i] > 0.0 { message[i] * inverse } else { 0.0 };
                ahead[i] *= inverse * self.weight;
            }
            for i in 0..k {
                let row = &mut pairs[i * k..][..k];
                for j in 0..k {
                    row[j] += last[i] * ahead[j];
                }
            }
        }
        true
    }
}

#[inline(always)]
fn normalise(k: usize, message: &mut [f64], filtered: &[f64]) -> bool {
    let mut total = 0.0;
    for j in 0..k {
        total += message[j] * filtered[j];
    }
    if !(total > TINY && total < 1.0 / TINY) {
        return false;
    }
    for j in 0..k {
        message[j] = if filtered[j] > 0.0 { message[j] / total } else { 0.0 };
    }
    true
}

/// What the scaled backward recursion without posteriors reads.
pub(super) struct Backward<'a> {
    pub(super) k: usize,
    pub(super) transposed: &'a [f64],
    pub(super) emissions: &'a [f64],
    /// As in [`Forward`].
    pub(super) logs: Option<&'a [f64]>,
    /// Messages of the last step; afterwards those of the step before the run; the largest is 1.
    pub(super) message: &'a mut [f64],
}

/// Moves a backward message over a run. False where a part of it would be lost.
pub(super) fn backward(args: Backward<'_>) -> bool {
    let k = args.k;
    dispatch!(args, k)
}

impl Loop for Backward<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<const N: usize>(self) -> bool {
        let k = if N == 0 { self.k } else { N };
        let transposed = &self.transposed[..k * k];
        let message = &mut self.message[..k];
        room!(ahead, N, k);
        let steps = self.emissions.len() / k;
        for t in (0..steps).rev() {
            let emissions = &self.emissions[t * k..][..k];
            for j in 0..k {
                ahead[j] = emissions[j] * message[j];
            }
            let lost = |j: usize| {
                self.logs.is_some_and(|logs| {
                    ahead[j] < TINY && message[j] > 0.0 && logs[t * k + j] > f64::NEG_INFINITY
                })
            };
            if (0..k).any(lost) {
                return false;
            }
            message.fill(0.0);
            for j in 0..k {
                let column = &transposed[j * k..][..k];
                for i in 0..k {
                    message[i] += ahead[j] * column[i];
                }
            }
            let mut largest = 0.0;
            for m in message.iter() {
                largest = if *m > largest { *m } else { largest };
            }
            if largest <= TINY {
                return false;
            }
            let inverse = 1.0 / largest;
            message.iter_mut().for_each(|m| *m *= inverse);
            if self.logs.is_some() && message.iter().any(|m| *m > 0.0 && *m < TINY) {
                return false;
            }
        }
        true
    }
}

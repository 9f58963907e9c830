//! Through which times a flow goes.

use crate::SolveError;

/// Times within [0, 1] that move strictly in one direction; 0 is data, 1 is noise.
///
/// ```
/// use pyrogen_solve::Times;
///
/// let times = Times::sampling(4)?;
/// assert_eq!(times.values(), [1.0, 0.75, 0.5, 0.25, 0.0]);
/// assert_eq!(times.reversed().values()[0], 0.0); // from data to noise
/// assert!(Times::new(vec![1.0, 0.5, 0.6]).is_err());
/// # Ok::<(), pyrogen_solve::SolveError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Times(Vec<f64>);

impl Times {
    /// Checked times.
    ///
    /// # Errors
    /// Fewer than two, or one that is outside [0, 1], stands still or turns back.
    pub fn new(values: Vec<f64>) -> Result<Self, SolveError> {
        if values.len() < 2 {
            return Err(SolveError::NoSteps);
        }
        let direction = values[1] - values[0];
        for (index, pair) in values.windows(2).enumerate() {
            let (before, value) = (pair[0], pair[1]);
            let inside = [before, value].iter().all(|t| (0.0..=1.0).contains(t));
            if !inside || (value - before) * direction <= 0.0 {
                return Err(SolveError::Times { index: index + 1, before, value });
            }
        }
        Ok(Self(values))
    }

    /// From noise to data in `n` equal steps.
    ///
    /// # Errors
    /// No steps.
    pub fn sampling(n: usize) -> Result<Self, SolveError> {
        Self::shifted(n, 1.0)
    }

    /// From noise to data in `n` steps that `t' = shift t / (1 + (shift - 1) t)` makes of equal ones:
    /// a shift above 1 puts more steps at noise, as large pictures need.
    ///
    /// # Errors
    /// No steps, or a shift not above 0.
    ///
    /// # References
    /// Esser et al. 2024, equation 23.
    pub fn shifted(n: usize, shift: f64) -> Result<Self, SolveError> {
        SolveError::check("shift", shift, shift > 0.0 && shift.is_finite(), "above 0")?;
        if n == 0 {
            return Err(SolveError::NoSteps);
        }
        let at = |i: usize| (n - i) as f64 / n as f64;
        Self::new((0..=n).map(|i| shift * at(i) / (1.0 + (shift - 1.0) * at(i))).collect())
    }

    /// The last `strength` of the steps: 1 is all of them, 0.3 of ten steps the last three.
    ///
    /// # Errors
    /// A strength outside `(0, 1]`, or so small that no step is left.
    pub fn strength(&self, strength: f64) -> Result<Self, SolveError> {
        Ok(Self(self.0[self.steps() - kept(self.steps(), strength)?..].to_vec()))
    }

    /// The same times the other way.
    pub fn reversed(mut self) -> Self {
        self.0.reverse();
        self
    }

    /// The times.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// Number of steps: one less than times.
    pub fn steps(&self) -> usize {
        self.0.len() - 1
    }
}

/// How many of some steps the last `strength` of them are.
pub(crate) fn kept(steps: usize, strength: f64) -> Result<usize, SolveError> {
    let ok = strength > 0.0 && strength <= 1.0;
    SolveError::check("strength", strength, ok, "above 0 and at most 1")?;
    match ((steps as f64 * strength) as usize).min(steps) {
        0 => Err(SolveError::NoStepLeft { strength, steps }),
        kept => Ok(kept),
    }
}

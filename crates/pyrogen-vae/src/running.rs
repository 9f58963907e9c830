//! Sums over draws that arrive one by one, on the host in f64.

/// Mean and spread of values (Welford 1962).
#[derive(Debug, Clone, Default)]
pub(crate) struct RunningMean {
    count: f64,
    mean: f64,
    squares: f64,
}

impl RunningMean {
    pub fn push(&mut self, value: f64) {
        self.count += 1.0;
        let step = value - self.mean;
        self.mean += step / self.count;
        self.squares += step * (value - self.mean);
    }

    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Standard error of the mean; NaN with fewer than two values.
    pub fn std_err(&self) -> f64 {
        (self.squares / (self.count - 1.0) / self.count).sqrt()
    }
}

/// `ln` of the mean of weights that are given by their logarithms.
#[derive(Debug, Clone)]
pub(crate) struct LogMean {
    count: f64,
    top: f64,
    /// Sum of `exp(log_w - top)`, and of its square.
    sum: f64,
    squares: f64,
}

impl Default for LogMean {
    fn default() -> Self {
        Self { count: 0.0, top: f64::NEG_INFINITY, sum: 0.0, squares: 0.0 }
    }
}

impl LogMean {
    pub fn push(&mut self, log_w: f64) {
        self.count += 1.0;
        if log_w > self.top {
            let shrink = (self.top - log_w).exp();
            self.sum *= shrink;
            self.squares *= shrink * shrink;
            self.top = log_w;
        }
        // A weight of zero adds nothing, and has no distance to a top of zero.
        if log_w != f64::NEG_INFINITY {
            let w = (log_w - self.top).exp();
            self.sum += w;
            self.squares += w * w;
        }
    }

    pub fn value(&self) -> f64 {
        self.top + (self.sum / self.count).ln()
    }

    /// Standard error of the value by the delta method, `sd(w) / (sqrt(count) mean(w))`; NaN with
    /// fewer than two weights.
    pub fn std_err(&self) -> f64 {
        let mean = self.sum / self.count;
        let variance = (self.squares - self.count * mean * mean).max(0.0) / (self.count - 1.0);
        let variance = if self.sum.is_nan() { f64::NAN } else { variance };
        (variance / self.count).sqrt() / mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of four numbers in f64.
    const ROUNDING: f64 = 1e-12;

    fn log_mean(values: &[f64]) -> LogMean {
        let mut sum = LogMean::default();
        values.iter().for_each(|&v| sum.push(v));
        sum
    }

    #[test]
    fn means_in_any_order_and_range() {
        let weights = [1.0f64, 4.0, 2.0, 3.0];
        for shift in [-2000.0, 0.0, 2000.0] {
            let logs: Vec<f64> = weights.iter().map(|w| w.ln() + shift).collect();
            let sum = log_mean(&logs);
            assert!((sum.value() - shift - 2.5f64.ln()).abs() < 1e-9);
            // sd of 1..4 is sqrt(5 / 3)
            let expected = (5.0f64 / 3.0).sqrt() / 2.0 / 2.5;
            assert!((sum.std_err() - expected).abs() < 1e-9, "{}", sum.std_err());
        }
        let mut mean = RunningMean::default();
        weights.iter().for_each(|&w| mean.push(w));
        assert!((mean.mean() - 2.5).abs() < ROUNDING);
        assert!((mean.std_err() - (5.0f64 / 3.0).sqrt() / 2.0).abs() < ROUNDING);
    }

    #[test]
    fn zero_weights_count_and_nan_is_kept() {
        let zero = f64::NEG_INFINITY;
        assert!((log_mean(&[zero, 0.0]).value() + std::f64::consts::LN_2).abs() < ROUNDING);
        assert_eq!(log_mean(&[zero, zero]).value(), zero);
        for values in [[f64::NAN, 0.0], [0.0, f64::NAN], [zero, f64::NAN]] {
            assert!(log_mean(&values).value().is_nan());
            assert!(log_mean(&values).std_err().is_nan());
        }
        assert!(log_mean(&[1.0]).std_err().is_nan());
    }
}

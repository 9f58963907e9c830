//! Roots of monotonic functions.

/// The root of an increasing function, by Newton's method kept within a bracket that shrinks.
///
/// `f` gives the value and the slope. The bracket is opened from `start` outwards, within
/// `[low, high]`.
pub(super) fn increasing_root(
    start: f64,
    low: f64,
    high: f64,
    f: impl Fn(f64) -> (f64, f64),
) -> f64 {
    let (mut low, mut high) = (low, high);
    let mut x = start.clamp(low, high);
    for _ in 0..200 {
        let (value, slope) = f(x);
        if value == 0.0 {
            return x;
        }
        if value < 0.0 {
            low = x
        } else {
            high = x
        }
        let newton = x - value / slope;
        let next = if newton > low && newton < high { newton } else { middle(low, high, x) };
        let enough = 4.0 * f64::EPSILON * x.abs().max(next.abs());
        if (next - x).abs() <= enough || high - low <= enough {
            return next;
        }
        x = next;
    }
    x
}

/// Between the ends, or away from `x` where an end is infinite.
fn middle(low: f64, high: f64, x: f64) -> f64 {
    match (low.is_finite(), high.is_finite()) {
        (true, true) => 0.5 * (low + high),
        (true, false) => x + (1.0 + x.abs()),
        (false, _) => x - (1.0 + x.abs()),
    }
}

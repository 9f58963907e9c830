//! The divergence curve of two distributions over clusters.

/// How near the weights of a mixture come to 0 and 1.
const EDGE: f64 = 1e-6;

/// The area under the curve, the mean of both ways to integrate it with trapezes.
pub(super) fn area(p: &[f64], q: &[f64], points: usize, scaling: f64) -> f64 {
    let mut curve = vec![(1.0, 0.0), (0.0, 1.0)];
    for i in 0..points {
        let w = EDGE + (1.0 - 2.0 * EDGE) * i as f64 / (points - 1) as f64;
        let mixture: Vec<f64> = p.iter().zip(q).map(|(p, q)| w * p + (1.0 - w) * q).collect();
        let value = |a: &[f64]| (-scaling * divergence(a, &mixture)).exp();
        curve.push((value(q), value(p)));
    }
    let turned: Vec<(f64, f64)> = curve.iter().map(|&(x, y)| (y, x)).collect();
    0.5 * (under(curve) + under(turned))
}

/// The Kullback-Leibler divergence, in nats; the mixture has mass wherever `a` has.
fn divergence(a: &[f64], mixture: &[f64]) -> f64 {
    let term = |(&a, &m): (&f64, &f64)| if a > 0.0 { a * (a / m).ln() } else { 0.0 };
    a.iter().zip(mixture).map(term).sum()
}

/// The curve falls, so of points above each other the higher one comes first.
fn under(mut curve: Vec<(f64, f64)>) -> f64 {
    curve.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    curve.windows(2).map(|w| 0.5 * (w[1].0 - w[0].0) * (w[0].1 + w[1].1)).sum()
}

/// Twice the integral over `w` of the divergences from the mixtures, weighted by `w` and `1 - w`, in its
/// closed form (Liu et al. 2021, property 2).
pub(super) fn frontier_integral(p: &[f64], q: &[f64]) -> f64 {
    let term = |(&p, &q): (&f64, &f64)| {
        let mean = 0.5 * (p + q);
        if p == 0.0 || q == 0.0 {
            mean
        } else if (p - q).abs() <= CLOSE {
            0.0
        } else {
            mean - p * q * (p.ln() - q.ln()) / (p - q)
        }
    };
    p.iter().zip(q).map(term).sum()
}

/// Below this difference the closed form is all rounding, and its value far below that.
const CLOSE: f64 = 1e-8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_form_is_the_integral() {
        let (p, q) = ([0.1, 0.2, 0.7, 0.0], [0.5, 0.1, 0.1, 0.3]);
        let steps = 100_000;
        let mut sum = 0.0;
        for i in 0..steps {
            let w = (i as f64 + 0.5) / steps as f64;
            let r: Vec<f64> = p.iter().zip(&q).map(|(p, q)| w * p + (1.0 - w) * q).collect();
            sum += w * divergence(&p, &r) + (1.0 - w) * divergence(&q, &r);
        }
        assert!((2.0 * sum / steps as f64 - frontier_integral(&p, &q)).abs() < 1e-6);
    }

    #[test]
    fn the_ends_of_the_scale() {
        let (a, b) = ([0.5, 0.5, 0.0], [0.0, 0.0, 1.0]);
        assert!((area(&a, &a, 25, 5.0) - 1.0).abs() < 1e-12);
        assert!(area(&a, &b, 25, 5.0) < 0.01);
        assert!((frontier_integral(&a, &b) - 1.0).abs() < 1e-12);
    }
}

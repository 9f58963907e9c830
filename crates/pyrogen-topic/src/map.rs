//! What topics have to do with each other, and with labels and time.

use crate::Topics;

/// Sweeps of Jacobi's method: it converges quadratically after the first few.
const SWEEPS: usize = 60;

/// A point in the plane for each topic, so that their distances are near the square roots of the
/// Jensen-Shannon divergences between the topics' words: classical scaling (Torgerson 1952) of
/// those, as Sievert and Shirley (2014) draw it.
///
/// Axes have the sign that makes the largest coordinate positive.
pub fn topic_map(topics: &Topics) -> Vec<[f64; 2]> {
    let n = topics.len();
    let mut d = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..i {
            let v = divergence(topics.topic(i), topics.topic(j));
            d[i * n + j] = v;
            d[j * n + i] = v;
        }
    }
    // -1/2 J D J, with D the squared distances, which the divergences are.
    let row: Vec<f64> = d.chunks(n).map(|r| r.iter().sum::<f64>() / n as f64).collect();
    let all = row.iter().sum::<f64>() / n as f64;
    let centred = |i: usize, j: usize| -0.5 * (d[i * n + j] - row[i] - row[j] + all);
    let mut b: Vec<f64> = (0..n * n).map(|e| centred(e / n, e % n)).collect();
    let vectors = jacobi(&mut b, n);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&x, &y| b[y * n + y].total_cmp(&b[x * n + x]));
    let mut out = vec![[0.0; 2]; n];
    for (axis, &column) in order.iter().take(2).enumerate() {
        let scale = b[column * n + column].max(0.0).sqrt();
        let values: Vec<f64> = (0..n).map(|i| vectors[i * n + column] * scale).collect();
        let largest =
            values.iter().copied().fold(0.0, |a: f64, v| if v.abs() > a.abs() { v } else { a });
        let sign = if largest < 0.0 { -1.0 } else { 1.0 };
        out.iter_mut().zip(values).for_each(|(point, v)| point[axis] = sign * v);
    }
    out
}

/// The Jensen-Shannon divergence, in nats.
fn divergence(p: &[f64], q: &[f64]) -> f64 {
    let part = |a: f64, m: f64| if a > 0.0 { a * (a / m).ln() } else { 0.0 };
    let sum: f64 = p
        .iter()
        .zip(q)
        .map(|(&p, &q)| {
            let m = (p + q) / 2.0;
            (part(p, m) + part(q, m)) / 2.0
        })
        .sum();
    sum.max(0.0)
}

/// Makes a symmetric matrix diagonal by rotations; gives the eigenvectors as columns.
fn jacobi(a: &mut [f64], n: usize) -> Vec<f64> {
    let mut v = vec![0.0; n * n];
    (0..n).for_each(|i| v[i * n + i] = 1.0);
    for _ in 0..SWEEPS {
        let off: f64 = (0..n)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| a[i * n + j].powi(2))
            .sum();
        if off < 1e-30 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(a, &mut v, n, p, q);
            }
        }
    }
    v
}

fn rotate(a: &mut [f64], v: &mut [f64], n: usize, p: usize, q: usize) {
    let apq = a[p * n + q];
    if apq == 0.0 {
        return;
    }
    let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let t = if theta == 0.0 { 1.0 } else { t };
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for k in 0..n {
        let (x, y) = (a[k * n + p], a[k * n + q]);
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for k in 0..n {
        let (x, y) = (a[p * n + k], a[q * n + k]);
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
        let (x, y) = (v[k * n + p], v[k * n + q]);
        v[k * n + p] = c * x - s * y;
        v[k * n + q] = s * x + c * y;
    }
}

/// The mean shares of topics of the documents of each group (a label, a year, a decade), each document
/// weighing as many as its words: `[groups][topics]`. A group without words has zeros.
///
/// # Panics
/// If there is not one group and one number of words a document, or a group is not below `groups`.
pub fn group_shares(
    shares: &[Vec<f64>],
    words: &[u64],
    of: &[usize],
    groups: usize,
) -> Vec<Vec<f64>> {
    assert!(
        shares.len() == words.len() && words.len() == of.len(),
        "group_shares: {} shares, {} lengths, {} groups",
        shares.len(),
        words.len(),
        of.len()
    );
    let topics = shares.first().map_or(0, Vec::len);
    let mut out = vec![vec![0.0; topics]; groups];
    let mut totals = vec![0.0; groups];
    for ((row, &n), &group) in shares.iter().zip(words).zip(of) {
        totals[group] += n as f64;
        out[group].iter_mut().zip(row).for_each(|(o, s)| *o += s * n as f64);
    }
    for (row, total) in out.iter_mut().zip(totals).filter(|(_, total)| *total > 0.0) {
        row.iter_mut().for_each(|v| *v /= total);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_keeps_the_distances_of_three_topics() {
        // Three points always lie in a plane.
        let rows = [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]];
        let topics = Topics::new(vec![0.1; 3], rows.concat(), 3).unwrap();
        let map = topic_map(&topics);
        for i in 0..3 {
            for j in 0..3 {
                let d2 = (0..2).map(|a| (map[i][a] - map[j][a]).powi(2)).sum::<f64>();
                assert!((d2 - divergence(&rows[i], &rows[j])).abs() < 1e-12, "{i} {j}");
            }
        }
        let one = Topics::new(vec![0.1], vec![0.5, 0.5], 2).unwrap();
        assert_eq!(topic_map(&one), [[0.0, 0.0]]);
    }

    #[test]
    fn shares_of_groups_weigh_by_words() {
        let shares = [vec![1.0, 0.0], vec![0.0, 1.0], vec![0.5, 0.5]];
        let out = group_shares(&shares, &[3, 1, 0], &[0, 0, 2], 3);
        assert_eq!(out, [vec![0.75, 0.25], vec![0.0, 0.0], vec![0.0, 0.0]]);
    }
}

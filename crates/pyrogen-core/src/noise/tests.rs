use super::*;
use burn::tensor::Device;

#[test]
fn first_draws_are_pinned() {
    // Value stability: a change here changes every seeded result, and is value-breaking.
    let mut noise = Noise::new(Seed(42));
    assert_eq!(noise.bits_vec(2), PINNED_BITS);
    let mut noise = Noise::new(Seed(42)).fork("pinned");
    let got = noise.normal_vec(3);
    for (g, e) in got.iter().zip(PINNED_NORMAL) {
        assert!((g - e).abs() < 1e-14, "{got:?}");
    }
    assert_eq!(Noise::new(Seed(42)).permutation(8), PINNED_PERMUTATION);
}

const PINNED_BITS: [u64; 2] = [3295337545857873859, 10297629237892694999];
// Computed apart, by ChaCha8 and SHA-256 in Python and scipy 1.17.1's ndtri.
const PINNED_NORMAL: [f64; 3] = [-0.7584310520390354, 2.2039980077461614, -0.0853352614415007];
const PINNED_PERMUTATION: [usize; 8] = [7, 0, 6, 3, 5, 1, 4, 2];

#[test]
fn the_ends_of_the_unit_interval_are_never_drawn() {
    for bits in [0, 1 << 11, u64::MAX - (1 << 11), u64::MAX] {
        let u = open_unit_f64(bits);
        assert!(u > 0.0 && u < 1.0, "{bits:x}: {u}");
        assert!(normal_quantile(u).is_finite() && (-(-u.ln()).ln()).is_finite(), "{bits:x}");
        let u = open_unit_f32(bits);
        assert!(u > 0.0 && u < 1.0, "{bits:x}: {u}");
    }
    // Only the last draw of all was 1: those before it are what they were.
    for bits in [3 << 11, u64::MAX / 3, u64::MAX - (1 << 11), u64::MAX - (2 << 11)] {
        let plain = ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        assert_eq!(open_unit_f64(bits).to_bits(), plain.to_bits());
    }
    assert!(((u64::MAX >> 11) as f64 + 0.5) / (1u64 << 53) as f64 == 1.0);
}

#[test]
fn any_number_of_threads_gives_the_same_numbers() {
    let n = 5 * CHUNK + 17;
    let draw = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Noise::new(Seed(3)).normal_vec(n))
    };
    let one = draw(1);
    assert_eq!(one, draw(2));
    assert_eq!(one, draw(7));
    // And in pieces.
    let mut noise = Noise::new(Seed(3));
    let mut pieces = noise.normal_vec(CHUNK + 1);
    pieces.extend(noise.normal_vec(n - CHUNK - 1));
    assert_eq!(one, pieces);
}

#[test]
fn a_window_gives_the_rows_of_the_whole() {
    let device = Device::flex();
    let root = Noise::new(Seed(5));
    let mut whole = root.clone();
    let first = whole.normal([6, 3], &device).into_data().try_to_vec::<f32>().unwrap();
    let second = whole.uniform([6, 2], &device).into_data().try_to_vec::<f32>().unwrap();
    let mut part = root.rows(2..5, 6);
    let a = part.normal([3, 3], &device).into_data().try_to_vec::<f32>().unwrap();
    let b = part.uniform([3, 2], &device).into_data().try_to_vec::<f32>().unwrap();
    assert_eq!(a, first[6..15]);
    assert_eq!(b, second[4..10]);
    assert_eq!(part.position(), whole.position());
}

#[test]
#[should_panic(expected = "in a window of 3 rows")]
fn a_window_refuses_a_draw_without_the_batch_axis() {
    Noise::new(Seed(5)).rows(2..5, 6).normal_vec(4);
}

#[test]
fn forks_are_independent_of_position_and_of_each_other() {
    let mut a = Noise::new(Seed(1));
    let before = a.fork("x").bits_vec(1);
    a.bits_vec(10);
    assert_eq!(before, a.fork("x").bits_vec(1));
    assert_ne!(before, a.fork("y").bits_vec(1));
    assert_ne!(a.fork_index(0).bits_vec(1), a.fork_index(1).bits_vec(1));
    assert_ne!(Noise::new(Seed(0)).bits_vec(1), Noise::new(Seed(1)).bits_vec(1));
}

/// Kolmogorov-Smirnov at one fixed seed: the critical value for alpha = 0.001 is
/// `1.949 / sqrt(n)`; with a fixed seed the test is deterministic.
fn assert_ks(mut draws: Vec<f64>, cdf: impl Fn(f64) -> f64) {
    let n = draws.len() as f64;
    draws.sort_by(f64::total_cmp);
    let d = draws
        .iter()
        .enumerate()
        .map(|(i, &x)| (cdf(x) - i as f64 / n).abs().max(((i + 1) as f64 / n - cdf(x)).abs()))
        .fold(0.0, f64::max);
    assert!(d < 1.949 / n.sqrt(), "KS distance {d}");
}

#[test]
fn uniform_normal_and_gumbel_follow_their_laws() {
    let device = Device::flex();
    let n = 20_000;
    let mut noise = Noise::new(Seed(11));
    let host = |t: burn::tensor::Tensor<1>| -> Vec<f64> { t.into_data().iter::<f64>().collect() };
    assert_ks(host(noise.uniform([n], &device)), |x| x);
    // The normal law at its quantiles: quantile is checked against scipy on its own.
    let below = |q: f64, draws: &[f64]| draws.iter().filter(|&&d| d < q).count() as f64 / n as f64;
    let normal = host(noise.normal([n], &device));
    for p in [0.05, 0.3, 0.5, 0.8, 0.99] {
        let share = below(normal_quantile(p), &normal);
        assert!((share - p).abs() < 4.0 * (p * (1.0 - p) / n as f64).sqrt(), "{p}: {share}");
    }
    assert_ks(host(noise.gumbel([n], &device)), |x| (-(-x).exp()).exp());
}

#[test]
fn categorical_follows_its_logits() {
    let device = Device::flex();
    let n = 20_000;
    let probs = [0.1f64, 0.2, 0.7];
    let row: Vec<f32> = probs.iter().map(|p| p.ln() as f32).collect();
    let logits = Tensor::<1>::from_data(row.as_slice(), &device).reshape([1, 3]).repeat_dim(0, n);
    let draws: Vec<i64> = Noise::new(Seed(2)).categorical(logits).into_data().iter().collect();
    for (k, p) in probs.iter().enumerate() {
        let share = draws.iter().filter(|&&d| d == k as i64).count() as f64 / n as f64;
        assert!((share - p).abs() < 4.0 * (p * (1.0 - p) / n as f64).sqrt(), "{k}: {share}");
    }
}

#[test]
fn permutations_are_permutations() {
    let mut order = Noise::new(Seed(9)).permutation(1000);
    assert_ne!(order[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    order.sort_unstable();
    assert_eq!(order, (0..1000).collect::<Vec<_>>());
}

/// Draws of some shapes by items, one after the other, as `[item][number]`.
fn by_items(noise: &Noise, items: Range<u64>, widths: &[usize]) -> Vec<Vec<f64>> {
    let n = (items.end - items.start) as usize;
    let mut noise = noise.items(items);
    let mut all = vec![Vec::new(); n];
    for &width in widths {
        let drawn = noise.uniform_rows(&[n, width]);
        all.iter_mut().zip(drawn.chunks(width)).for_each(|(item, row)| item.extend(row));
    }
    assert_eq!(noise.position(), widths.iter().sum::<usize>() as u64);
    all
}

#[test]
fn an_item_has_its_numbers_whatever_is_drawn_beside_it() {
    let noise = Noise::new(Seed(5)).fork("items");
    // Narrow and wide draws, one after the other, and more than one thread's share of each.
    let widths = [3, WIDE, 1, 2 * CHUNK + 5, WIDE - 1];
    let whole = by_items(&noise, 0..40, &widths);
    for items in [0..1, 0..9, 7..8, 13..40] {
        let part = by_items(&noise, items.clone(), &widths);
        assert_eq!(part, whole[items.start as usize..items.end as usize]);
    }
    let many = by_items(&noise, 0..3 * CHUNK as u64, &[3]);
    assert_eq!(by_items(&noise, 20_000..20_001, &[3])[0], many[20_000]);
    for threads in [1, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| by_items(&noise, 0..40, &widths)), whole);
    }
}

#[test]
fn items_have_streams_of_their_own_and_forks_keep_the_window() {
    let noise = Noise::new(Seed(5));
    let mut items = noise.items(3..5);
    let first = items.bits_vec(2);
    assert_ne!(first[0], first[1]);
    assert_ne!(first[0], noise.clone().bits_vec(1)[0]);
    let second = items.bits_vec(2);
    assert!(first.iter().all(|bits| !second.contains(bits)));
    let fork = items.fork("x").fork_index(2).bits_vec(2);
    assert_eq!(fork, noise.fork("x").fork_index(2).items(3..5).bits_vec(2));
    assert_eq!(noise.items(3..3).normal_vec(0), Vec::<f64>::new());
}

#[test]
fn numbers_of_items_are_pinned() {
    // Item 1 is the stream 2 of the key, item 0 the stream 1.
    let drawn = Noise::new(Seed(42)).items(0..2).bits_vec(2);
    assert_eq!(drawn, PINNED_ITEMS);
}

// Computed apart, by ChaCha8 and SHA-256 in Python.
const PINNED_ITEMS: [u64; 2] = [16978272099535746503, 8418878186254452630];

#[test]
fn numbers_of_items_follow_the_normal_distribution() {
    let n = 20_000;
    let draws = Noise::new(Seed(12)).items(0..n as u64).normal_vec(n);
    for p in [0.05, 0.3, 0.5, 0.8, 0.99] {
        let share = draws.iter().filter(|&&d| d < normal_quantile(p)).count() as f64 / n as f64;
        assert!((share - p).abs() < 4.0 * (p * (1.0 - p) / n as f64).sqrt(), "{p}: {share}");
    }
}

#[test]
#[should_panic(expected = "in a window of 3 rows")]
fn a_window_of_items_refuses_a_draw_without_them() {
    Noise::new(Seed(5)).items(2..5).normal_vec(4);
}

/// Normal numbers in wide vectors are bit for bit those of the quantile function.
#[test]
fn normal_numbers_are_the_quantiles_of_their_draws() {
    let n = 2 * CHUNK + 301;
    let numbers: Vec<f32> =
        Noise::new(Seed(5)).normal([n], &pyrogen_testkit::device()).into_data().iter().collect();
    let quantiles: Vec<f32> =
        Noise::new(Seed(5)).normal_vec(n).into_iter().map(|x| x as f32).collect();
    assert_eq!(numbers, quantiles);
}

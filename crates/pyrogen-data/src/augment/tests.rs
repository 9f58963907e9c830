use pyrogen_core::Seed;

use super::*;
use crate::{Dataset, Preparation, Prepared, Recipe, Toy, digits};

/// Draws of the statistical tests; the seeds are fixed.
const DRAWS: usize = 4000;

fn layout(event: &[usize], levels: Option<usize>) -> Layout {
    Layout { event: event.to_vec(), levels, ..Layout::default() }
}

fn changed(augment: &Augment, row: &[f32], layout: &Layout, seed: u64) -> Vec<f32> {
    let mut row = row.to_vec();
    augment.apply(&mut row, layout, &[], &mut Noise::new(Seed(seed)));
    row
}

/// Whether a count of draws of probability 1/2 is within five standard deviations: a fixed seed, and
/// less than one false alarm in a million seeds.
fn is_half(count: usize) -> bool {
    (count as f64 - DRAWS as f64 / 2.0).abs() < 5.0 * (DRAWS as f64 / 4.0).sqrt()
}

#[test]
fn flips_are_exact_mirrors_half_the_time() {
    // Two planes of 2 by 3: all planes of a picture are mirrored together.
    let layout = layout(&[3, 2, 3], None);
    let picture: Vec<f32> = (0..18).map(|i| i as f32).collect();
    let mirror = |across: bool, down: bool| -> Vec<f32> {
        let pixel = |i: usize| {
            let (plane, y, x) = (i / 6, i / 3 % 2, i % 3);
            let (y, x) = (if down { 1 - y } else { y }, if across { 2 - x } else { x });
            (plane * 6 + y * 3 + x) as f32
        };
        (0..18).map(pixel).collect()
    };
    for (flip, across, down) in
        [(Flip::Horizontal, true, false), (Flip::Vertical, false, true), (Flip::Both, true, true)]
    {
        let augment = Augment { flip, ..Augment::default() };
        let mut rows = picture.repeat(DRAWS);
        augment.apply(&mut rows, &layout, &[], &mut Noise::new(Seed(3)));
        let mut counts = [0usize; 4];
        for row in rows.chunks(18) {
            let forms = [(false, false), (true, false), (false, true), (true, true)];
            let form = forms.iter().position(|&(a, d)| row == mirror(a && across, d && down));
            counts[form.expect("a mirror or the picture itself")] += 1;
        }
        let [_, right, below, twice] = counts;
        assert!(!across || is_half(right + twice), "{flip:?} {counts:?}");
        assert!(!down || is_half(below + twice), "{flip:?} {counts:?}");
        assert!(across || right + twice == 0);
        assert!(down || below + twice == 0);
    }
}

#[test]
fn shifts_are_uniform_and_filled_as_asked() {
    let layout = layout(&[1, 3, 4], None);
    let picture: Vec<f32> = (1..=12).map(|i| i as f32).collect();
    for fill in [Fill::Edge, Fill::Reflect, Fill::Black] {
        let augment = Augment { shift: 1, fill, ..Augment::default() };
        let mut rows = picture.repeat(DRAWS);
        augment.apply(&mut rows, &layout, &[], &mut Noise::new(Seed(4)));
        let pixel = |y: isize, x: isize| -> f32 {
            let (inner_y, inner_x) = (y.clamp(0, 2), x.clamp(0, 3));
            match fill {
                Fill::Edge => picture[(inner_y * 4 + inner_x) as usize],
                Fill::Black if (y, x) != (inner_y, inner_x) => 0.0,
                Fill::Black => picture[(y * 4 + x) as usize],
                // One pixel outside is the pixel next to the edge.
                Fill::Reflect => {
                    let (y, x) =
                        ([1, 0, 1, 2, 1][(y + 1) as usize], [1, 0, 1, 2, 3, 2][(x + 1) as usize]);
                    picture[y * 4 + x]
                }
            }
        };
        let shifted = |dy: isize, dx: isize| -> Vec<f32> {
            (0..12).map(|i| pixel(i / 4 - dy, i % 4 - dx)).collect()
        };
        let moves: Vec<(isize, isize)> =
            (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dy, dx))).collect();
        let mut counts = [0usize; 9];
        for row in rows.chunks(12) {
            let found = moves.iter().position(|&(dy, dx)| row == shifted(dy, dx));
            counts[found.unwrap_or_else(|| panic!("{fill:?}: {row:?}"))] += 1;
        }
        let expected = DRAWS as f64 / 9.0;
        let within = |&c: &usize| (c as f64 - expected).abs() < 5.0 * (expected * 8.0 / 9.0).sqrt();
        assert!(counts.iter().all(within), "{fill:?} {counts:?}");
    }
}

#[test]
fn crops_of_a_slope_are_a_gentler_slope() {
    // Bilinear enlargement of x is at + (x + 1/2) share - 1/2, away from the edges.
    let layout = layout(&[1, 16, 16], None);
    let slope: Vec<f32> = (0..256).map(|i| (i % 16) as f32).collect();
    let augment = Augment { crop: 0.5, ..Augment::default() };
    let mut shares = Vec::new();
    for seed in 0..200 {
        let row = changed(&augment, &slope, &layout, seed);
        let step = row[8] - row[7];
        assert!((0.5 - 1e-5..=1.0 + 1e-5).contains(&step), "{step}");
        let inner = (4..12).all(|x| (row[16 * 5 + x] - row[x]).abs() < 1e-5);
        assert!(inner && (row[9] - row[8] - step).abs() < 1e-4);
        assert!(row.iter().all(|v| (0.0..=15.0).contains(v)));
        shares.push(f64::from(step));
    }
    // Uniform on [1/2, 1]: the mean of 200 has a deviation of 0.0102.
    let mean = shares.iter().sum::<f64>() / 200.0;
    assert!((mean - 0.75).abs() < 0.05, "{mean}");
}

#[test]
fn noise_has_its_size_and_levels_stay_levels() {
    let grey = layout(&[1, 8, 8], Some(256));
    let augment = Augment { noise: 0.1, ..Augment::default() };
    let mut rows = vec![128.0; 64 * 200];
    augment.apply(&mut rows, &grey, &[], &mut Noise::new(Seed(5)));
    let deviation = |rows: &[f32], mean: f64| {
        let sum: f64 = rows.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
        (sum / rows.len() as f64).sqrt()
    };
    assert!(rows.iter().all(|v| v.fract() == 0.0 && (0.0..=255.0).contains(v)));
    // 25.5, and rounding adds a variance of 1/12; 12,800 draws have an error of 0.16.
    assert!((deviation(&rows, 128.0) - 25.5).abs() < 0.8);
    // Black stays black or becomes brighter: never below.
    let mut black = vec![0.0; 64];
    augment.apply(&mut black, &grey, &[], &mut Noise::new(Seed(6)));
    assert!(black.iter().all(|v| *v >= 0.0) && black.iter().any(|v| *v > 0.0));
    // Points: in deviations of the column.
    let mut points = vec![0.0; 2 * 5000];
    augment.apply(&mut points, &layout(&[2], None), &[1.0, 100.0], &mut Noise::new(Seed(7)));
    let column = |j: usize| points.iter().skip(j).step_by(2).copied().collect::<Vec<f32>>();
    assert!((deviation(&column(0), 0.0) - 0.1).abs() < 0.005);
    assert!((deviation(&column(1), 0.0) - 10.0).abs() < 0.5);
}

#[test]
fn data_without_the_change_is_refused() {
    let flip = Augment { flip: Flip::Both, ..Augment::default() };
    let points = Toy::EightGaussians.dataset(9, &mut Noise::new(Seed(1)));
    let error = flip.check(points.layout()).unwrap_err().to_string();
    assert!(error.contains("for pictures: they have flip"), "{error}");
    let large = Augment { shift: 8, ..Augment::default() };
    assert!(large.check(digits().layout()).is_err());
    Augment { shift: 7, ..Augment::default() }.check(digits().layout()).unwrap();
    for (crop, noise) in [(0.0, 0.0), (1.1, 0.0), (f64::NAN, 0.0), (1.0, -1.0), (1.0, f64::NAN)] {
        assert!(Augment { crop, noise, ..Augment::default() }.validate().is_err());
    }
}

fn everything() -> Augment {
    Augment { flip: Flip::Horizontal, shift: 2, crop: 0.8, noise: 0.1, ..Augment::default() }
}

#[test]
fn batches_are_changed_row_by_row_whatever_the_workers() {
    use pyrogen_core::Examples;
    use pyrogen_testkit::{device, host};

    for recipe in [Recipe::Unit, Recipe::Dequantised { logit: None }] {
        let preparation = Preparation::fit(&recipe, &digits()).unwrap();
        let plain = Prepared::<2>::new(digits(), preparation).unwrap();
        let examples = plain.clone().with_augment(everything()).unwrap();
        assert!(examples.is_augmented() && !plain.is_augmented());
        let noise = Noise::new(Seed(2)).fork_index(17);
        let rows = [4, 8, 4, 16, 23];
        let read =
            |rows: &[usize], mut noise: Noise| host(examples.batch(rows, &mut noise, &device()).x);
        let whole = read(&rows, noise.clone());
        assert_eq!(read(&rows, noise.clone()), whole);
        assert_eq!(read(&rows[1..4], noise.rows(1..4, 5)), whole[64..256], "{recipe:?}");
        // The same example twice in a batch is changed in two ways, and so is it at another step.
        assert_ne!(whole[..64], whole[128..192]);
        assert_ne!(read(&rows, Noise::new(Seed(2)).fork_index(18)), whole);
    }
}

#[test]
fn without_changes_nothing_changes() {
    use pyrogen_core::Examples;
    use pyrogen_testkit::{device, host};

    let preparation = Preparation::fit(&Recipe::Dequantised { logit: None }, &digits()).unwrap();
    let plain = Prepared::<2>::new(digits(), preparation).unwrap();
    let same = plain.clone().with_augment(Augment::default()).unwrap();
    let read = |e: &Prepared<2>| host(e.batch(&[3, 1], &mut Noise::new(Seed(1)), &device()).x);
    assert_eq!(read(&plain), read(&same));
    assert!(!same.is_augmented());
    let row = [1.0, 2.0, 3.0];
    let points = Dataset::from_parts(row.to_vec(), vec![3], None).unwrap();
    assert_eq!(changed(&Augment::default(), &row, points.layout(), 1), row);
}

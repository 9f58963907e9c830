//! Resizing by area averaging.

/// One image, `height * width` values row by row, at another size: each new pixel is the mean of
/// the area that it covers in the old image.
///
/// `out[i, j] = sum_(a, b) h[i, a] w[j, b] in[a, b]`, where `h[i, a]` is the share of the interval
/// `[i, i + 1) * height / to_height` that lies in `[a, a + 1)`, and `w` likewise. The mean over the
/// image stays what it was. Enlarging by a whole number repeats pixels.
///
/// # Panics
/// If there are not `height * width` values, or a size is zero.
pub(crate) fn resize_area(
    image: &[f32],
    [height, width]: [usize; 2],
    [to_height, to_width]: [usize; 2],
) -> Vec<f32> {
    assert!(
        image.len() == height * width && !image.is_empty() && to_height * to_width > 0,
        "resize_area: {} values, {height} x {width} to {to_height} x {to_width}",
        image.len()
    );
    let (rows, columns) = (shares(height, to_height), shares(width, to_width));
    let mut out = Vec::with_capacity(to_height * to_width);
    for row in &rows {
        for column in &columns {
            let mut sum = 0.0;
            for &(a, h) in row {
                for &(b, w) in column {
                    sum += h * w * f64::from(image[a * width + b]);
                }
            }
            out.push(sum as f32);
        }
    }
    out
}

/// For each of `to` equal parts of `from` cells: the cells it touches with their share of it.
fn shares(from: usize, to: usize) -> Vec<Vec<(usize, f64)>> {
    // In units of 1 / (from * to) of the whole, everything is a whole number.
    let overlap = |i: usize, a: usize| {
        let start = (i * from).max(a * to);
        let end = ((i + 1) * from).min((a + 1) * to);
        (a, (end - start) as f64 / from as f64)
    };
    let cells = |i: usize| (i * from / to)..((i + 1) * from).div_ceil(to);
    (0..to).map(|i| cells(i).map(|a| overlap(i, a)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One rounding to f32 of values of about 10.
    const F32: f32 = 1e-5;

    #[test]
    fn the_same_size_changes_nothing() {
        let image: Vec<f32> = (0..12).map(|v| v as f32).collect();
        assert_eq!(resize_area(&image, [3, 4], [3, 4]), image);
    }

    #[test]
    fn whole_factors_average_and_repeat() {
        let image = [1.0, 3.0, 5.0, 7.0, 2.0, 4.0, 6.0, 8.0];
        assert_eq!(resize_area(&image, [2, 4], [1, 2]), [2.5, 6.5]);
        assert_eq!(
            resize_area(&[1.0, 2.0], [1, 2], [2, 4]),
            [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]
        );
    }

    #[test]
    fn other_factors_weigh_by_area() {
        // Three cells to two: [0, 1.5) holds the first and half of the second.
        let out = resize_area(&[3.0, 6.0, 9.0], [3, 1], [2, 1]);
        assert!((out[0] - 4.0).abs() < F32 && (out[1] - 8.0).abs() < F32, "{out:?}");
    }

    #[test]
    fn the_mean_stays() {
        let image: Vec<f32> = (0..28 * 21).map(|v| ((v * 37) % 19) as f32).collect();
        let mean = |v: &[f32]| v.iter().sum::<f32>() / v.len() as f32;
        let out = resize_area(&image, [28, 21], [8, 8]);
        assert_eq!(out.len(), 64);
        assert!((mean(&out) - mean(&image)).abs() < F32);
    }

    #[test]
    #[should_panic(expected = "resize_area: 3 values, 2 x 2 to 8 x 8")]
    fn missing_values_panic() {
        resize_area(&[0.0; 3], [2, 2], [8, 8]);
    }
}

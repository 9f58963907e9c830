//! The embedded digits.

use crate::Dataset;

/// The file: 64 pixels and a label a line. Its origin and licence are in `data/LICENCE.md`.
const CSV: &str = include_str!("../data/digits.csv");

/// The 1,797 handwritten digits of UCI: 8x8 pixels of 17 levels (0 to 16), ten classes.
///
/// # References
/// E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
/// Repository, <https://archive.ics.uci.edu/dataset/80>, CC BY 4.0.
///
/// ```
/// let digits = pyrogen_data::digits();
/// assert_eq!(digits.len(), 1797);
/// assert_eq!(digits.event_shape(), [1, 8, 8]);
/// assert_eq!(digits.levels(), Some(17));
/// ```
pub fn digits() -> Dataset {
    let mut values = Vec::new();
    let mut labels = Vec::new();
    for line in CSV.lines() {
        let numbers: Vec<u32> = line
            .split(',')
            .map(|cell| cell.trim().parse().expect("the embedded file is sound"))
            .collect();
        let (label, pixels) = numbers.split_last().expect("lines are not empty");
        values.extend(pixels.iter().map(|&p| p as f32));
        labels.push(*label);
    }
    let names = (0..10).map(|digit| digit.to_string()).collect();
    Dataset::from_parts(values, vec![1, 8, 8], Some(labels))
        .and_then(|data| data.with_levels(17))
        .and_then(|data| data.with_class_names(names))
        .expect("the embedded file is sound")
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn the_digits_are_the_known_ones() {
        let data = digits();
        assert_eq!((data.len(), data.classes()), (1797, Some(10)));
        // Rows of each class as scikit-learn 1.9.1's `load_digits` gives them.
        let mut counts = [0; 10];
        for &label in data.labels().unwrap() {
            counts[label as usize] += 1;
        }
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        let first: Vec<f32> = data.row(0)[..8].to_vec();
        assert_eq!(first, [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0]);
        assert_eq!(data.describe().max, 16.0);
        // Pinned: a model card names the data by this.
        assert_eq!(data.sha256(), SHA256);
    }

    /// Python's hashlib over the bytes that [`Dataset::sha256`] names.
    const SHA256: &str = "1083aed653ce186c2edc40c0b5c801f6034edd7dfb432ddedd5458ebdfdcb66e";
}

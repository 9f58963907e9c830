//! A matrix of numbers from .npy or .csv.

use std::path::Path;

use super::arrays::found_range;
use super::matrix::Matrix;
use super::npy::Kind;
use crate::DataError;
use crate::read::npy;
use crate::table::numbers;

/// Reads rows of numbers: `.npy` of two axes or more (the axes after the first are flattened), or
/// `.csv` of numbers with or without a header.
///
/// # Errors
/// Another ending, no rows, an array of fewer than two axes, text or missing cells, ragged lines,
/// or a number that is not finite.
pub fn read_matrix(path: &Path) -> Result<Matrix, DataError> {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    let matrix = match ending.to_str() {
        Some("npy") => from_npy(path)?,
        Some("csv") => numbers::read(path)?,
        _ => return Err(DataError::format(path, "matrix", "give a .npy or a .csv file")),
    };
    if matrix.values.is_empty() {
        return Err(DataError::NoExamples {
            path: path.to_path_buf(),
            hint: format!("{} rows of {} numbers", matrix.rows, matrix.cols),
        });
    }
    match matrix.values.iter().position(|v| !v.is_finite()) {
        None => Ok(matrix),
        Some(index) => Err(DataError::NotFinite {
            path: path.to_path_buf(),
            index,
            value: matrix.values[index],
        }),
    }
}

fn from_npy(path: &Path) -> Result<Matrix, DataError> {
    let array = npy::read_array(path)?;
    if array.shape.len() < 2 {
        return Err(DataError::ArrayShape {
            path: path.to_path_buf(),
            expected: "rows of numbers, [n, columns] or more axes",
            got: array.shape,
        });
    }
    let values = || array.values.iter().map(|&v| v as f32);
    let range = match (array.shape.len(), array.kind) {
        (..3, _) => None,
        (_, Kind::Bits) => Some([0.0, 1.0]),
        (_, Kind::Bytes) if values().all(|v| v <= 1.0) => Some([0.0, 1.0]),
        (_, Kind::Bytes) => Some([0.0, 255.0]),
        _ => Some(found_range(values())),
    };
    Ok(Matrix {
        rows: array.shape[0],
        cols: array.shape[1..].iter().fold(1, |a, &b| a.saturating_mul(b)),
        values: array.values,
        shape: array.shape[1..].to_vec(),
        names: None,
        range,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::write_npy;

    #[test]
    fn both_formats_give_the_same_matrix() {
        let dir = tempfile::tempdir().unwrap();
        let (npy, csv) = (dir.path().join("a.npy"), dir.path().join("a.CSV"));
        write_npy(&npy, &[1.0, 2.5, -3.0, 4.0, 5.0, 6.0], &[3, 2]).unwrap();
        fs::write(&csv, "1,2.5\n-3,4\n5,6\n").unwrap();
        let mut expected = Matrix {
            rows: 3,
            cols: 2,
            values: vec![1.0, 2.5, -3.0, 4.0, 5.0, 6.0],
            shape: vec![2],
            names: None,
            range: None,
        };
        assert_eq!(read_matrix(&npy).unwrap(), expected);
        assert_eq!(read_matrix(&csv).unwrap(), expected);
        fs::write(&csv, "x,y\n1,2.5\n-3,4\n5,6\n").unwrap();
        expected.names = Some(vec!["x".to_string(), "y".to_string()]);
        assert_eq!(read_matrix(&csv).unwrap(), expected);
        write_npy(&npy, &[0.0; 24], &[2, 3, 2, 2]).unwrap();
        let images = read_matrix(&npy).unwrap();
        assert_eq!((images.rows, images.cols), (2, 12));
    }

    #[test]
    fn pictures_of_another_range_are_no_samples_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        let pictures = |scale: f32, shift: f32, shape: &[usize]| {
            let values: Vec<f32> = (0..16).map(|i| i as f32 / 15.0 * scale + shift).collect();
            write_npy(&path, &values, shape).unwrap();
            read_matrix(&path).unwrap()
        };
        let shape = [2, 1, 2, 4];
        let (unit, bytes) = (pictures(1.0, 0.0, &shape), pictures(255.0, 0.0, &shape));
        let text = unit.clone().like(&bytes).unwrap_err().to_string();
        assert!(text.contains("from 0 to 255") && text.ends_with("from 0 to 1"), "{text}");
        assert!(bytes.clone().like(&unit).is_err());
        // Samples may leave the range of the data a little, and be paler.
        for other in [pictures(1.1, -0.05, &shape), pictures(0.5, 0.2, &shape)] {
            assert_eq!(other.clone().like(&unit).unwrap(), other);
        }
        // What is no picture has no range.
        let (unit, rows) = (pictures(1.0, 0.0, &[4, 4]), pictures(255.0, 0.0, &[4, 4]));
        assert_eq!(rows.clone().like(&unit).unwrap(), rows);
    }

    #[test]
    fn columns_are_matched_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            let path = dir.path().join("a.csv");
            fs::write(&path, text).unwrap();
            read_matrix(&path).unwrap()
        };
        let real = read("age,income,kids\n54,22373.58,0\n67,32801.53,1\n");
        let moved = read("income,kids,age\n22373.58,0,54\n32801.53,1,67\n");
        assert_eq!(moved.like(&real).unwrap(), real);
        let other = read("alpha,beta,gamma\n22373.58,0,54\n32801.53,1,67\n");
        let error = other.like(&real).unwrap_err().to_string();
        assert!(error.contains("the columns age, income, kids, got alpha"), "{error}");
        let bare = read("1.5,2,3\n4,5,6\n");
        assert_eq!(bare.clone().like(&real).unwrap(), bare);
        let numbered = read("0,1,2\n0.5,2.5,3.5\n4.5,5.5,6.5\n");
        assert_eq!((numbered.rows, numbered.names.unwrap()[2].as_str()), (2, "2"));
        let npy = |shape: &[usize]| {
            let path = dir.path().join("a.npy");
            write_npy(&path, &vec![0.0; shape.iter().product()], shape).unwrap();
            read_matrix(&path).unwrap()
        };
        let error = npy(&[2, 4, 4, 3]).like(&npy(&[2, 3, 4, 4])).unwrap_err().to_string();
        assert!(error.contains("[3, 4, 4]") && error.contains("[4, 4, 3]"), "{error}");
    }

    #[test]
    fn every_bad_input_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let csv = dir.path().join("a.csv");
        for (text, says) in [
            ("", "no examples"),
            ("a,b\n", "no examples"),
            ("1,2\n3\n", "line 2 has 1 cells"),
            ("1,2\n3,\n", "line 2, column `column2`"),
            ("1,2\n3,nan\n", "line 2, column `column2`"),
            ("1,2\n3,inf\n", "not a finite number"),
            ("1,2\n3,four\n", "`four` is not a number"),
        ] {
            fs::write(&csv, text).unwrap();
            let got = read_matrix(&csv).unwrap_err().to_string();
            assert!(got.contains(says) && got.contains("a.csv"), "{text:?}: {got}");
        }
        let npy = dir.path().join("a.npy");
        write_npy(&npy, &[1.0, 2.0], &[2]).unwrap();
        assert!(read_matrix(&npy).unwrap_err().to_string().contains("[2]"));
        write_npy(&npy, &[1.0, f32::NAN], &[1, 2]).unwrap();
        assert!(read_matrix(&npy).unwrap_err().to_string().contains("NaN"));
        write_npy(&npy, &[], &[0, 2]).unwrap();
        assert!(read_matrix(&npy).unwrap_err().to_string().contains("no examples"));
        let txt = dir.path().join("a.txt");
        fs::write(&txt, "1").unwrap();
        assert!(read_matrix(&txt).unwrap_err().to_string().contains(".npy or a .csv"));
    }
}

use std::path::PathBuf;

use super::*;
use crate::{Dataset, Source};

fn load(path: &Path) -> Result<Dataset, DataError> {
    Source::new("npy", path, &[])?.load()
}

fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.npy");
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

fn message(bytes: &[u8]) -> String {
    let (_dir, path) = file(bytes);
    let text = load(&path).unwrap_err().to_string();
    assert!(text.contains("x.npy") && !text.contains('\n'), "{text}");
    text
}

fn with_header(header: &str, body: &[u8]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend([1, 0]);
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(body);
    out
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    bytes: Vec<u8>,
    shape: Vec<usize>,
    values: Vec<f64>,
}

fn fixtures() -> Vec<Case> {
    #[derive(serde::Deserialize)]
    struct File {
        cases: Vec<Case>,
    }
    let text = include_str!("../../../tests/fixtures/npy.json");
    serde_json::from_str::<File>(text).unwrap().cases
}

#[test]
fn arrays_equal_what_numpy_saved() {
    let cases = fixtures();
    assert_eq!(cases.len(), 16);
    for case in cases {
        let (_dir, path) = file(&case.bytes);
        let (values, shape) = read_npy(&path).unwrap();
        assert_eq!((values, shape), (case.values, case.shape), "{}", case.name);
    }
}

#[test]
fn written_files_are_numpys_byte_for_byte() {
    for name in ["<f4", "vector", "empty"] {
        let case = fixtures().into_iter().find(|c| c.name == name).unwrap();
        let values: Vec<f32> = case.values.iter().map(|&v| v as f32).collect();
        let (_dir, path) = file(&[]);
        write_npy(&path, &values, &case.shape).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), case.bytes, "{name}");
    }
    let (_dir, path) = file(b"old");
    assert!(write_npy(&path, &[1.0], &[2]).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
}

#[test]
fn axes_make_events() {
    for (shape, event) in
        [(vec![2, 6], vec![6]), (vec![2, 2, 3], vec![1, 2, 3]), (vec![1, 3, 2, 2], vec![3, 2, 2])]
    {
        let (_dir, path) = file(&[]);
        write_npy(&path, &[0.5; 12], &shape).unwrap();
        let data = load(&path).unwrap();
        assert_eq!((data.event_shape(), data.levels()), (&event[..], None));
    }
    let bytes = fixtures().into_iter().find(|c| c.name == "|u1").unwrap().bytes;
    let (_dir, path) = file(&bytes);
    assert_eq!(load(&path).unwrap().levels(), Some(256));
}

#[test]
fn cut_off_and_lying_files_are_errors() {
    let whole = fixtures().swap_remove(0).bytes;
    for end in 0..whole.len() {
        message(&whole[..end]);
    }
    message(&[whole, vec![0]].concat());
    let lying =
        "{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551615, 4294967296), }";
    let text = message(&with_header(lying, &[0; 16]));
    assert!(text.contains("holds 16"), "{text}");
    // A header longer than the file.
    let mut long = MAGIC.to_vec();
    long.extend([2, 0, 0xff, 0xff, 0xff, 0xff, b'{']);
    assert!(message(&long).contains("within its header"));
    // Axes whose strides overflow, without values.
    let zero = "{'descr': '<f8', 'fortran_order': True, 'shape': (0, 18446744073709551615, 9), }";
    assert!(message(&with_header(zero, &[])).contains("no examples"));
}

#[test]
fn what_cannot_be_read_says_why() {
    let header = |descr: &str, shape: &str| {
        format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}")
    };
    for (header, body, says) in [
        (header("'<c16'", "(1, 1)"), 16, "`<c16`: convert"),
        (header("'|O'", "(1, 1)"), 8, "`|O`: convert"),
        (header("''", "(1, 1)"), 8, "``: convert"),
        (header("'é4'", "(1, 1)"), 8, "convert"),
        (header("[('a', '<f4')]", "(1,)"), 4, "records"),
        (header("'<f4'", "(2,)"), 8, "[2]"),
        (header("'<f4'", "()"), 4, "[]"),
        (header("'<f4'", "(1, 1, 1, 1, 1)"), 4, "[1, 1, 1, 1, 1]"),
        (header("'<f4'", "(-1, 1)"), 4, "axis `-1`"),
        (header("'<f4'", "(1, 99999999999999999999)"), 4, "axis `99999999999999999999`"),
        (header("'<f4'", "[1, 1]"), 4, "not a tuple"),
        (header("'<f4'", "((1, 1)"), 4, "is not a size"),
        ("{'descr': '<f4', 'shape': (1, 1)}".to_string(), 4, "no `fortran_order`"),
        ("{'fortran_order': False, 'shape': (1, 1)}".to_string(), 4, "no `descr`"),
        ("{'descr': '<f4', 'fortran_order': 1, 'shape': (1, 1)}".to_string(), 4, "neither"),
        ("'descr'".to_string(), 4, "no `descr`"),
        (String::new(), 0, "no `descr`"),
    ] {
        let text = message(&with_header(&header, &vec![0; body]));
        assert!(text.contains(says), "{header}: {text}");
    }
    assert!(message(b"\x93NUMPY\x09\x00..").contains("version 9"));
    assert!(message(b"PK\x03\x04").contains("npz:FILE"));
    let nan = with_header(&header("'<f4'", "(1, 1)"), &f32::NAN.to_le_bytes());
    assert!(message(&nan).contains("value 0 is NaN"));
    let big = with_header(&header("'<f8'", "(1, 1)"), &1e300f64.to_le_bytes());
    assert!(message(&big).contains("value 0 is 1"));
    let (dir, _) = file(&[]);
    let text = load(dir.path()).unwrap_err().to_string();
    assert!(text.contains("a file is needed"), "{text}");
}

#[test]
fn numbers_of_half_precision_are_exact() {
    // Of IEEE 754: one, minus two, the smallest, the largest, infinity.
    for (bits, value) in [
        (0x3c00, 1.0),
        (0xc000, -2.0),
        (0x0001, 2f64.powi(-24)),
        (0x7bff, 65_504.0),
        (0x7c00, f64::INFINITY),
    ] {
        assert_eq!(half(bits), value);
    }
    assert!(half(0x7e00).is_nan());
}

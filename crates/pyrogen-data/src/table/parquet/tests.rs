use std::path::{Path, PathBuf};

use crate::data::{Cells, Data, Items, Table};
use crate::{ColumnKind, CsvOptions, DataError, Loaded, Missing, read_parquet, read_table};

const ROWS: i64 = 300;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn read(name: &str) -> Result<Loaded, DataError> {
    let options = CsvOptions { label: Some("label".into()), ..CsvOptions::default() };
    read_parquet(&fixture(name), &options)
}

fn cells(table: &Table, name: &str) -> Cells {
    let j = table.columns().iter().position(|c| c.name == name);
    table.cells(j.unwrap_or_else(|| panic!("no column {name}"))).into_owned()
}

/// Numbers of the formulas of `scripts/fixture_parquet.py`, missing where the row modulo `hole` is 3.
fn numbers(hole: i64, value: impl Fn(i64) -> f64) -> Cells {
    let one = |i: i64| if hole > 0 && i % hole == 3 { f64::NAN } else { value(i) };
    Cells::Numbers((0..ROWS).map(one).collect())
}

fn integers(hole: i64, value: impl Fn(i64) -> i64) -> Cells {
    let one = |i: i64| if hole > 0 && i % hole == 3 { Cells::MISSING } else { value(i) };
    Cells::Integers((0..ROWS).map(one).collect())
}

/// The texts of a column of categories.
fn texts(table: &Table, name: &str) -> Vec<String> {
    let j = table.columns().iter().position(|c| c.name == name).unwrap();
    (0..table.len()).map(|row| table.text(row, j)).collect()
}

#[test]
fn files_of_other_programs_hold_what_was_written() {
    for name in ["snappy.parquet", "zstd_second_pages.parquet", "gzip.parquet", "polars.parquet"] {
        let loaded = read(name).unwrap_or_else(|e| panic!("{e}"));
        let Data::Table(table) = &loaded.data else { panic!("a table") };
        let names = ["x", "f", "n", "u", "s", "b", "d", "t", "m", "one", "none"];
        assert_eq!(table.column_names(), names, "{name}");
        let x = |i: i64| if i == 8 { f64::NAN } else { (i * i) as f64 / 8.0 - 100.0 };
        let n = |i: i64| (i * 7919 % 100) * 1_000_000_000_000_000 + i;
        let same = |column: &str, expected: Cells| {
            assert_eq!(cells(table, column), expected, "{name}: {column}");
        };
        same("x", numbers(7, x));
        same("f", numbers(0, |i| (i * 37 % 100) as f64 / 4.0));
        same("n", integers(11, n));
        same("u", integers(0, |i| 4_294_967_295 - i % 50));
        same("d", integers(17, |i| i * 31 % 400 - 31));
        // 28 February 2024 at 23:00, and a quarter of a second that is cut off.
        same("t", integers(0, |i| 1_709_161_200 + 60 * i * i));
        same("m", numbers(0, |i| (i * 1001 % 5000 - 2500) as f64 / 100.0));
        same("one", integers(0, |_| 5));
        let s = |i: i64| match i % 5 {
            3 => "",
            _ => ["007", "ü, \"q\"", "NA", "12"][((i * i + i / 3) % 4) as usize],
        };
        assert_eq!(texts(table, "s"), (0..ROWS).map(s).collect::<Vec<_>>(), "{name}");
        let b = |i: i64| match i % 13 {
            3 => "",
            _ if i % 3 == 0 => "true",
            _ => "false",
        };
        assert_eq!(texts(table, "b"), (0..ROWS).map(b).collect::<Vec<_>>(), "{name}");
        assert_eq!(texts(table, "none"), vec![""; ROWS as usize]);
        let kind = |name: &str| {
            let column = table.columns().iter().find(|c| c.name == name).unwrap();
            (column.kind.name(), column.missing)
        };
        assert_eq!(kind("x"), ("continuous", 44));
        assert_eq!(kind("d"), ("moment", 18));
        assert_eq!(kind("s"), ("categorical", 60));
        assert_eq!(table.class_names(), ["no", "yes"]);
        let yes = |i: i64| u32::from(i % 5 == 0);
        assert_eq!(table.labels().unwrap(), (0..ROWS).map(yes).collect::<Vec<_>>());
        for says in ["`list` is left out: it holds lists", "`id` is left out: a different text"] {
            assert!(loaded.notes.iter().any(|n| n.contains(says)), "{:?}", loaded.notes);
        }
    }
}

#[test]
fn a_parquet_file_is_the_table_that_its_csv_file_is() {
    let Data::Table(table) = read("snappy.parquet").unwrap().data else { panic!("a table") };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv");
    table.write(&path).unwrap();
    let options = CsvOptions {
        label: Some("label".into()),
        na: Some(Vec::new()),
        categorical: vec!["s".into()],
        ..CsvOptions::default()
    };
    let Data::Table(back) = read_table(&path, &options).unwrap().data else { panic!("a table") };
    assert_eq!(back.column_names(), table.column_names());
    for (j, column) in table.columns().iter().enumerate() {
        assert_eq!(back.columns()[j].kind, column.kind, "{}", column.name);
        assert_eq!(back.cells(j), table.cells(j), "{}", column.name);
    }
}

#[test]
fn options_are_those_of_other_tables() {
    let options = CsvOptions {
        label: Some("b".into()),
        drop: vec!["none".into(), "x".into(), "n".into(), "d".into()],
        categorical: vec!["u".into()],
        keep: vec!["id".into()],
        na: Some(vec!["12".into()]),
        missing: Missing::Drop,
        ..CsvOptions::default()
    };
    let loaded = read_parquet(&fixture("gzip.parquet"), &options).unwrap();
    let Data::Table(table) = &loaded.data else { panic!("a table") };
    assert_eq!(table.column_names(), ["f", "u", "s", "t", "m", "one", "id", "label"]);
    let kept = |i: &i64| i % 5 != 3 && i % 13 != 3 && (i * i + i / 3) % 4 != 3;
    assert_eq!(table.len(), (0..ROWS).filter(kept).count());
    assert!(matches!(table.columns()[1].kind, ColumnKind::Categorical { .. }));
    assert_eq!(texts(table, "id")[0], "row 0");
    assert_eq!(table.class_names(), ["false", "true"]);
}

#[test]
fn what_is_not_read_is_an_error_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let csv = dir.path().join("a.parquet");
    std::fs::write(&csv, "x,y\n1,2\n3,4\n5,6\n").unwrap();
    let plain = CsvOptions::default();
    for (path, says) in [
        (fixture("brotli.parquet"), "packed by Brotli: write it with snappy, gzip or zstd"),
        (fixture("delta.parquet"), "column `x` is stored as differences: write the file with"),
        (csv, "does not end in PAR1"),
        (dir.path().to_path_buf(), "it is a folder"),
        (dir.path().join("none.parquet"), "none.parquet"),
    ] {
        let error = read_parquet(&path, &plain).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn damaged_files_are_errors_or_other_tables() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    let whole = std::fs::read(fixture("snappy.parquet")).unwrap();
    let plain = CsvOptions::default();
    for end in (0..whole.len()).step_by(97) {
        std::fs::write(&path, &whole[..end]).unwrap();
        assert!(read_parquet(&path, &plain).is_err());
    }
    for name in ["gzip.parquet", "polars.parquet"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        for i in (0..whole.len()).step_by(61) {
            let mut bytes = whole.clone();
            bytes[i] ^= 1 << (i % 8);
            std::fs::write(&path, bytes).unwrap();
            // Some bits mean nothing, others a value; none may panic.
            if let Err(error) = read_parquet(&path, &plain) {
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
}

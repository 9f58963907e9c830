use std::fs;
use std::path::PathBuf;

use super::*;
use crate::data::Data;
use crate::{DataError, Dataset};

fn file(text: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv");
    fs::write(&path, text).unwrap();
    (dir, path)
}

fn read(text: impl AsRef<[u8]>, options: &CsvOptions) -> Result<Dataset, DataError> {
    let (_dir, path) = file(text);
    read_csv(&path, options)
}

fn message(text: impl AsRef<[u8]>, options: &CsvOptions) -> String {
    let message = read(text, options).unwrap_err().to_string();
    assert!(message.contains("t.csv") && !message.contains('\n'), "{message}");
    message
}

fn kinds(data: &Dataset) -> Vec<&'static str> {
    let columns = &data.schema().unwrap().columns;
    columns.iter().map(|c| c.kind.name()).collect()
}

const TABLE: &str = "age,income,city,class\n31,1.5,Rome,b\n4,2e3,\"Oslo, N\",a\n-7,0.25,Rome,b\n";

#[test]
fn kinds_categories_and_labels_are_found() {
    let options = CsvOptions { label: Some("class".to_string()), ..CsvOptions::default() };
    let data = read(TABLE, &options).unwrap();
    assert_eq!(kinds(&data), ["integer", "continuous", "categorical"]);
    assert_eq!(data.values(), [31.0, 1.5, 1.0, 4.0, 2000.0, 0.0, -7.0, 0.25, 1.0]);
    assert_eq!(data.labels(), Some(&[1, 0, 1][..]));
    assert_eq!(data.class_names(), ["a", "b"]);
    let summary = data.describe();
    let columns = summary.columns.unwrap();
    assert_eq!((columns[0].min, columns[0].max), (Some(-7.0), Some(31.0)));
    assert_eq!(columns[1].mean, Some((1.5 + 2000.0 + 0.25) / 3.0));
    let cities = columns[2].categories.as_ref().unwrap();
    assert_eq!((cities[1].name.as_str(), cities[1].count), ("Rome", 2));
}

#[test]
fn what_is_written_is_what_was_read() {
    let data = read(TABLE, &CsvOptions::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.csv");
    write_csv(&path, data.values(), None, data.layout()).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "age,income,city,class\n31,1.5,Rome,b\n4,2000,\"Oslo, N\",a\n-7,0.25,Rome,b\n"
    );
    assert_eq!(read_csv(&path, &CsvOptions::default()).unwrap().values(), data.values());
    // Labels are under their name in their place; samples are rounded to the nearest
    // category and whole number.
    let options = CsvOptions { label: Some("class".to_string()), ..CsvOptions::default() };
    let data = read(TABLE, &options).unwrap();
    let sample = [-0.2, 0.125, 7.6, 2.5, -1.0, -3.0];
    write_csv(&path, &sample, Some(&[0, 1]), data.layout()).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "age,income,city,class\n0,0.125,Rome,a\n3,-1,\"Oslo, N\",b\n"
    );
    let refused = write_csv(&path, &sample[..5], None, data.layout()).unwrap_err();
    assert!(refused.to_string().contains("5 values"), "{refused}");
    let refused = write_csv(&path, &sample, Some(&[0]), data.layout()).unwrap_err();
    assert!(refused.to_string().contains("1 labels for 2 rows"), "{refused}");
}

#[test]
fn data_without_a_schema_is_written_by_element() {
    let data = Dataset::from_parts(vec![0.5, 1.0], vec![1, 1, 2], None).unwrap();
    let mut writer = CsvWriter::new(Vec::new(), data.layout(), false).unwrap();
    writer.row(data.row(0), None).unwrap();
    let text = String::from_utf8(writer.finish().unwrap()).unwrap();
    assert_eq!(text, "x0,x1\n0.5,1\n");
}

#[test]
fn a_header_is_no_data() {
    let names = |text: &str, header| -> Vec<String> {
        let options = CsvOptions { header, ..CsvOptions::default() };
        let data = read(text, &options).unwrap();
        let columns = &data.schema().unwrap().columns;
        columns.iter().map(|c| c.name.clone()).collect()
    };
    assert_eq!(names("a,b\n1,x\n", Header::Detect), ["a", "b"]);
    assert_eq!(names("a,\n1,2\n", Header::Detect), ["a", "column2"]);
    assert_eq!(names("1,x\n2,y\n", Header::Detect), ["column1", "column2"]);
    assert_eq!(names("a,b\nx,y\nx,z\n", Header::Detect), ["a", "b"]);
    assert_eq!(names("x,y\nx,z\n", Header::Detect), ["column1", "column2"]);
    assert_eq!(names("0,1\n5,6\n", Header::Yes), ["0", "1"]);
    assert_eq!(names("a,b\nx,y\n", Header::No), ["column1", "column2"]);
    // A byte-order mark is not part of the first name.
    assert_eq!(names("\u{feff}a,b\n1,2\n", Header::Detect), ["a", "b"]);
}

#[test]
fn numbers_can_be_categories() {
    let options = CsvOptions { categorical: vec!["code".to_string()], ..CsvOptions::default() };
    let data = read("code,x\n10,1\n9,2\n10,3\n", &options).unwrap();
    assert_eq!(kinds(&data), ["categorical", "integer"]);
    // Sorted as numbers: 9 before 10.
    assert_eq!(data.values(), [1.0, 1.0, 0.0, 2.0, 1.0, 3.0]);
}

const HOLES: &str = "x,c\n1,a\n,b\n3,?\n4,a\n";

#[test]
fn missing_cells_follow_the_policy() {
    let with = |missing| CsvOptions { missing, ..CsvOptions::default() };
    for marker in ["", "?", "NA", "nan", "NULL"] {
        let text = message(format!("x,y\n1,2\n3,{marker}\n"), &with(Missing::Error));
        assert!(text.contains("line 3, column `y`") && text.contains("missing=drop"), "{text}");
    }
    let data = read(HOLES, &with(Missing::Drop)).unwrap();
    assert_eq!(data.values(), [1.0, 0.0, 4.0, 0.0]);
    let missing: Vec<usize> = data.schema().unwrap().columns.iter().map(|c| c.missing).collect();
    assert_eq!(missing, [1, 1]);
    // Without a policy a missing cell is a value, and is written as it was.
    let data = read(HOLES, &CsvOptions::default()).unwrap();
    assert!(data.values()[2].is_nan());
    let rest = [data.values()[..2].to_vec(), data.values()[3..].to_vec()].concat();
    assert_eq!(rest, [1.0, 0.0, 1.0, 3.0, 2.0, 4.0, 0.0]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("o.csv");
    write_csv(&path, data.values(), None, data.layout()).unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), HOLES);
    let text = message("x,y,z\n1,,1\n,2,1\n,2,1\n", &with(Missing::Drop));
    assert!(text.contains("every row has a missing cell: leave out the emptiest"), "{text}");
    assert!(text.contains("`x` (2 of 3), `y` (1 of 3)") && !text.contains("`z`"), "{text}");
}

#[test]
fn bad_tables_are_errors_that_say_where() {
    let plain = CsvOptions::default();
    for (table, says) in [
        ("", "no examples"),
        ("a,b\n", "no examples"),
        ("a,b\n1,2\n3\n", "line 3 has 1 cells, the first line has 2"),
        ("a,b\n1,2\n3,4,5\n", "line 3 has 3 cells"),
        ("a,b\n1,2\n3,inf\n", "line 3, column `b`: `inf` is not a finite"),
        ("a,b\n1,2\n3,-1e999\n", "line 3, column `b`: `-1e999`"),
        ("a,b\n1,\"2\n3,4\n", "line 2: a quote is opened and never closed"),
        ("a,b\n1,2\n3,4\n5,6x\n", "line 4, column `b`: `6x` is not a number"),
        ("a,a\n1,2\n", "two columns have this name"),
        ("a,b\nNaN,NaN\nNaN,NaN\n", "no cell has a value"),
    ] {
        let got = message(table, &plain);
        assert!(got.contains(says), "{table:?}: {got}");
    }
    // Half of a header looks like data: the message says how to go on.
    let got = message("150,4,setosa\n1,2,0\n3,4,1\n", &plain);
    assert!(got.contains("line 1, column `column3`") && got.contains("header=yes"), "{got}");
    let got = message(b"a,b\n1,x\n2,\xff\xfe\n", &plain);
    assert!(got.contains("line 3: not UTF-8"), "{got}");
    let label = |name: &str| CsvOptions { label: Some(name.to_string()), ..CsvOptions::default() };
    let got = message("a,b\n1,2\n", &label("c"));
    assert!(got.contains("no column `c`; the columns are: a, b"), "{got}");
    let got = message("a\n1\n", &label("a"));
    assert!(got.contains("no column beside the label"), "{got}");
}

mod odd;
mod properties;

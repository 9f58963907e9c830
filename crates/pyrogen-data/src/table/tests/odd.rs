//! What people's tables look like: each odd input with its right value.

use super::*;
use crate::data::{Cells, Items, Table};
use crate::{Loaded, Source};

fn load(text: impl AsRef<[u8]>, options: &[&str]) -> Result<Loaded, DataError> {
    let (_dir, path) = file(text);
    Source::new("csv", path, options)?.read()
}

fn table(text: impl AsRef<[u8]>, options: &[&str]) -> Table {
    match load(text, options).unwrap().data {
        Data::Table(table) => table,
        other => panic!("{other:?}"),
    }
}

fn kinds(table: &Table) -> Vec<(String, &'static str)> {
    table.columns().iter().map(|c| (c.name.clone(), c.kind.name())).collect()
}

/// The table written to a file, through the rows of f32 that models see if `rows`.
fn written(table: &Table, rows: bool) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("o.csv");
    let data = match rows {
        true => Data::from_dataset(table.dataset().into_owned()),
        false => Data::Table(table.clone()),
    };
    data.write(&path).unwrap();
    fs::read_to_string(&path).unwrap()
}

/// Rows of a function of their number.
fn rows(header: &str, n: usize, row: impl Fn(usize) -> String) -> String {
    let lines: Vec<String> = (0..n).map(row).collect();
    format!("{header}\n{}\n", lines.join("\n"))
}

#[test]
fn separators_are_found_and_numbers_read() {
    let expected = [("patient", "integer"), ("ward", "categorical"), ("height", "continuous")];
    for text in [
        "patient;ward;height\n1000;south;159.3\n1001;north;179.8\n",
        "\u{feff}patient;ward;height\n1000;south;159.3\n1001;north;179.8\n",
        "patient;ward;height\n1000;south;159,3\n1001;north;179,8\n",
        "patient\tward\theight\n1000\tsouth\t159.3\n1001\tnorth\t179.8\n",
        "patient|ward|height\r\n1000|south|159.3\r\n1001|north|179.8\r\n",
        "# exported 2024\n# source: ward\npatient,ward,height\n1000,south,159.3\n1001,north,179.8\n",
        "patient,ward,height\n1000,south,\"159,3\"\n1001,north,\"179,8\"\n",
    ] {
        let table = table(text, &[]);
        let kinds = kinds(&table);
        let kinds: Vec<(&str, &str)> = kinds.iter().map(|(n, k)| (n.as_str(), *k)).collect();
        assert_eq!(kinds, expected, "{text:?}");
        assert_eq!(table.dataset().values(), [1000.0, 1.0, 159.3, 1001.0, 0.0, 179.8], "{text:?}");
    }
    let notes = load("a;b\n1;2\n", &[]).unwrap().notes;
    assert_eq!(notes[0], "cells are separated by `;`");
    // What is given is not looked for.
    let one = table("a;b\n1;2\n", &["delimiter=comma"]);
    assert_eq!(kinds(&one), [("a;b".to_string(), "categorical")]);
    let spaced = table("a b\n1 2\n", &["delimiter=space"]);
    assert_eq!(spaced.dataset().values(), [1.0, 2.0]);
    let marked = table("a,b\n1,2\n%3,4\n5,6\n", &["comment=%"]);
    assert_eq!(marked.dataset().values(), [1.0, 2.0, 5.0, 6.0]);
}

#[test]
fn money_per_cents_and_places_are_written_as_they_were_read() {
    for (text, values) in [
        ("amount,kind\n\"3,262.06\",a\n\"1,503.70\",b\n", [3262.06, 1503.7]),
        ("amount,kind\n\"$3,262.06\",a\n\"$1,503.70\",b\n", [3262.06, 1503.7]),
        ("amount,kind\n46.5%,a\n2.0%,b\n", [46.5, 2.0]),
        ("amount,kind\n\"58,99\",a\n\"98,70\",b\n", [58.99, 98.7]),
        ("amount,kind\n14.72,a\n18.40,b\n", [14.72, 18.4]),
        ("amount,kind\n14.72,a\n18.4,b\n", [14.72, 18.4]),
        ("amount,kind\n1e-51,a\n2.5e-50,b\n", [1e-51, 2.5e-50]),
        ("amount,kind\n00501,a\n02134,b\n", [0.0, 1.0]),
    ] {
        let table = table(text, &[]);
        let cells = table.cells(0);
        assert_eq!([cells.number(0), cells.number(1)], values, "{text}");
        assert_eq!(written(&table, false), text);
        assert!(table.dataset().values().iter().all(|v| v.is_finite()));
        if !text.contains("e-") {
            assert_eq!(written(&table, true), text);
        }
    }
    // A sample has the places of the data.
    let prices = table("price,units\n14.72,8\n18.47,1\n", &[]);
    let mut out = CsvWriter::new(Vec::new(), prices.layout(), false).unwrap();
    out.row(&[49.11336, 2.6], None).unwrap();
    let text = String::from_utf8(out.finish().unwrap()).unwrap();
    assert_eq!(text, "price,units\n49.11,3\n");
}

#[test]
fn small_numbers_keep_their_distances_in_f32() {
    let text = rows("p,k", 30, |i| format!("{}e-51,a", 100 + i));
    let table = table(&text, &[]);
    let stored: Vec<f32> = table.dataset().values().iter().step_by(2).copied().collect();
    assert!(stored.windows(2).all(|w| w[0] < w[1]) && stored[0] >= 1.0, "{stored:?}");
    let back = Table::from_dataset(table.dataset().into_owned());
    for i in 0..30 {
        let expected = f64::from(100 + i as u32) * 1e-51;
        assert!((back.cells(0).number(i) / expected - 1.0).abs() < 1e-6);
    }
}

#[test]
fn whole_numbers_are_exact_beyond_f32() {
    let seconds = rows("seen,amount", 60, |i| format!("{},{}.5", 1_700_000_000 + 7 * (i % 50), i));
    let wide = "x,y\n9007199254740993,1\n-9223372036854775807,2\n16777217,2\n".to_string();
    for text in [seconds.clone(), wide.clone()] {
        let table = table(&text, &[]);
        assert_eq!(kinds(&table)[0].1, "integer");
        assert_eq!(written(&table, false), text);
    }
    // Near to each other they are exact in the rows that models see, too.
    assert_eq!(written(&table(&seconds, &[]), true), seconds);
    let revenue = table("revenue,staff\n484163,79\n177388,58\n33554433,3\n", &[]);
    let sample = revenue.columns()[0].cell(1234.56);
    assert_eq!(sample, "1235");
}

#[test]
fn days_and_times_are_kept_and_sampled_as_such() {
    let text = rows("day,at,n", 30, |i| {
        format!("2023{:02}{:02},{:02}:{:02},{}", 1 + i % 12, 1 + i % 28, i % 24, i, i * i)
    });
    let table = table(&text, &[]);
    assert_eq!(kinds(&table)[0].1, "moment");
    assert_eq!(kinds(&table)[1].1, "moment");
    assert_eq!(written(&table, false), text);
    assert_eq!(written(&table, true), text);
    // The day after 20230228 that a model may draw is a day.
    let column = &table.columns()[0];
    let stored = column.stored(19_417.0);
    assert_eq!(
        (column.cell(stored), column.cell(stored + 0.6)),
        ("20230301".into(), "20230302".into())
    );
    let stamps = "when,x\n2024-01-31 13:05:09,1\n1999-12-05 00:00:00,2\n";
    let stamps = super::odd::table(stamps, &[]);
    assert_eq!(kinds(&stamps)[0].1, "moment");
    let described = stamps.describe();
    assert_eq!(described["columns"][0]["min"], "1999-12-05 00:00:00");
}

#[test]
fn codes_are_categories_and_identifiers_are_left_out() {
    let text = rows("Unnamed: 0,zip,name,x", 40, |i| {
        format!("{i},{:05},n{i},{}.25", 501 + i % 7, i * i % 17)
    });
    let loaded = load(&text, &[]).unwrap();
    let Data::Table(found) = &loaded.data else { panic!() };
    assert_eq!(found.column_names(), ["zip", "x"]);
    assert!(written(found, true).starts_with("zip,x\n00501,0.25\n"));
    let notes = loaded.notes.join("; ");
    for says in
        ["`Unnamed: 0` is left out", "`name` is left out: a different text", "leading zeros"]
    {
        assert!(notes.contains(says), "{notes}");
    }
    let kept = table(&text, &["keep=Unnamed: 0", "keep=name"]);
    assert_eq!(kept.column_names(), ["Unnamed: 0", "zip", "name", "x"]);
    let dropped = table(&text, &["drop=zip"]);
    assert_eq!(dropped.column_names(), ["x"]);
    // A column that no model sees still says which rows belong together.
    assert_eq!(dropped.group_keys("zip").unwrap()[..9], [0, 1, 2, 3, 4, 5, 6, 0, 1]);
    // Different numbers that count nothing are numbers; so is all that there is.
    let phones = table(rows("phone", 30, |i| format!("{}", 119_079_923 + i * i)), &[]);
    assert_eq!(kinds(&phones), [("phone".to_string(), "integer")]);
    let only = table(rows("id", 30, |i| i.to_string()), &[]);
    assert_eq!(only.column_names(), ["id"]);
    // Seconds since 1970, once a second, are times and no count of the rows; so is any other step.
    for step in [1, 3600] {
        let times = rows("t,x", 30, |i| format!("{},{}.5", 1_700_000_000 + i * step, i * i % 17));
        assert_eq!(table(times, &[]).column_names(), ["t", "x"], "{step}");
    }
    let long = table("card,x\n123456789012345678901234,1\n123456789012345678901235,2\n", &[]);
    assert_eq!(kinds(&long)[0].1, "categorical");
}

#[test]
fn headers_may_be_numbers() {
    let names = |text: &str| table(text, &[]).column_names();
    assert_eq!(names("0,1,2,3\n0.5,-0.1,0.6,0.1\n-0.5,0.3,1.6,0.9\n"), ["0", "1", "2", "3"]);
    assert_eq!(names("town,2019,2020,2021\nAyr,69,72,74\nBex,54,57,59\n")[1], "2019");
    assert_eq!(names(",0,1\n0,0.5,0.1\n1,0.4,1.5\n"), ["column1", "0", "1"]);
    assert_eq!(names("# x,y\n1,2\n3,4\n"), ["x", "y"]);
    // Rows of numbers are no header.
    assert_eq!(names("1,2,3\n4,5,6\n")[0], "column1");
    assert_eq!(names("0,1\n5,6\n")[0], "column1");
    assert_eq!(names("Ayr,69,72,74\nBex,54,57,59\n")[0], "column1");
}

#[test]
fn missing_words_can_be_words() {
    let text = "garage,price\nNone,240\nAttached,142\n,159\nNA,160\nAttached,?\n";
    let both = table(text, &[]);
    let missing = |t: &Table, j| (0..t.len()).filter(|&i| t.is_missing(i, j)).collect::<Vec<_>>();
    assert_eq!((missing(&both, 0), missing(&both, 1)), (vec![0, 2, 3], vec![4]));
    // Each spelling is a state of its own, and comes back.
    assert_eq!(written(&both, true), text);
    let only = table(text, &["na=?,NA"]);
    assert_eq!((missing(&only, 0), missing(&only, 1)), (vec![2, 3], vec![4]));
    let categories = only.columns()[0].kind.categories().unwrap().to_vec();
    assert_eq!(categories, ["Attached", "None", "", "NA"]);
    // As a label, too.
    let text = "continent,area\nNA,6.602\nEU,3.961\nNA,7.1\n";
    let labelled = table(text, &["label=continent"]);
    assert_eq!(labelled.class_names(), ["EU", "NA"]);
    assert_eq!(written(&labelled, true), text);
    let error = load("a,b\n1,2\n3,4\nn.a.,5\n", &[]).unwrap_err().to_string();
    assert!(error.contains("na=n.a."), "{error}");
    let loaded = load("a,b\n1,2\n3,4\nn.a.,5\n", &["na=n.a."]).unwrap();
    assert!(
        loaded.notes[0].contains("column `a`: 1 cells are missing (`n.a.`)"),
        "{:?}",
        loaded.notes
    );
}

#[test]
fn blank_lines_of_one_column_are_missing_cells() {
    let table = table("x\n\n0.7042\n\n0.5\n\n", &[]);
    let Cells::Numbers(x) = table.cells(0).into_owned() else { panic!() };
    assert_eq!(x.len(), 4);
    assert!(x[0].is_nan() && x[2].is_nan() && x[1] == 0.7042);
    let error = load("x\n1\n\n2\n", &["missing=error"]).unwrap_err().to_string();
    assert!(error.contains("line 3, column `x`"), "{error}");
}

#[test]
fn columns_without_values_stay_in_their_place() {
    let text = "a,b,c\n1,,x\n3,,x\n";
    let loaded = load(text, &[]).unwrap();
    let Data::Table(found) = &loaded.data else { panic!() };
    assert_eq!((written(found, false), written(found, true)), (text.into(), text.into()));
    assert_eq!(loaded.notes, ["column `b` has no values", "column `c` has one value"]);
}

#[test]
fn lines_are_those_that_editors_show() {
    let strict = &["missing=error"][..];
    for (text, line) in [
        (&b"a,b\n1,2\n3,4\n5,\n"[..], 4),
        (b"a,b\r\n1,2\r\n3,4\r\n5,\r\n", 4),
        (b"a,b\n1,2\n\n\n5,\n", 5),
        (b"a,b\r\n1,2\r\n3,4\r\n5\r\n", 4),
        (b"a,b\r1,2\r3,\r", 3),
        (b"a,b\r\n1,x\r\n2,\xff\r\n", 3),
        (b"a,b\n\"x\ny\",2\n3,\n", 4),
    ] {
        let error = load(text, strict).unwrap_err().to_string();
        assert!(error.contains(&format!("line {line}")), "{text:?}: {error}");
    }
}

#[test]
fn messages_are_one_line_whatever_the_cells_hold() {
    let long = "y".repeat(10_000);
    for text in ["x\n1\n2\n\"a\nb\"\n".to_string(), format!("x\n1\n2\n{long}\n")] {
        let error = load(text, &[]).unwrap_err().to_string();
        assert!(!error.contains('\n') && error.len() < 600, "{error}");
    }
    let error = load("\"a\nb\",c\n1,2\n", &["label=d"]).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn labels_keep_their_name_and_place() {
    let text = "outcome,label,age\n0,1.5,54\n1,2.5,67\n";
    let first = table(text, &["label=outcome"]);
    assert_eq!((written(&first, false), written(&first, true)), (text.into(), text.into()));
    let text = "label,x,site\n0,-0.2029,high\n1,-0.7372,low\n";
    let last = table(text, &["label=site"]);
    assert_eq!(written(&last, true), text);
    // A number that no class has is no other class's name.
    let grades = table("grade,x\n1,0.5\n2,1.5\n3,2.5\n", &["label=grade"]);
    let mut out = CsvWriter::new(Vec::new(), grades.layout(), true).unwrap();
    out.row(&[0.5], Some(2)).unwrap();
    out.row(&[0.5], Some(3)).unwrap();
    let text = String::from_utf8(out.finish().unwrap()).unwrap();
    assert_eq!(text, "grade,x\n3,0.5\nclass 3,0.5\n");
}

#[test]
fn many_categories_are_read() {
    let text = rows("town,x", 3000, |i| format!("t{},{}", i / 2, i % 7));
    let table = table(&text, &[]);
    assert_eq!(table.columns()[0].known_categories(), 1500);
    assert_eq!(written(&table, true), text);
}

#[test]
fn layouts_of_older_cards_load_and_behave() {
    // As the first format wrote it: no label column, no formats, one category for all missing cells.
    let old = r#"{"event":[2],"levels":null,"schema":{"columns":[
        {"name":"x","kind":"continuous","missing":0},
        {"name":"c","kind":{"categorical":{"categories":["","a","b"]}},"missing":1}]},
        "class_names":["no","yes"]}"#;
    let layout: crate::Layout = serde_json::from_str(old).unwrap();
    let again: crate::Layout =
        serde_json::from_str(&serde_json::to_string(&layout).unwrap()).unwrap();
    assert_eq!(again, layout);
    let mut out = CsvWriter::new(Vec::new(), &layout, true).unwrap();
    out.row(&[0.25, 0.0], Some(1)).unwrap();
    let text = String::from_utf8(out.finish().unwrap()).unwrap();
    assert_eq!(text, "x,c,label\n0.25,,yes\n");
    // Data that is read today is read in its terms.
    let data = table("bought,c,x\nyes,?,0.5\nno,b,1.5\n", &["label=bought"]);
    let data = data.dataset().conform_to(&layout).unwrap();
    assert_eq!((data.values(), data.labels()), (&[0.5, 0.0, 1.5, 2.0][..], Some(&[1, 0][..])));
    // A number that is missing is none of a model that has seen no such.
    let gap = table("bought,c,x\nyes,a,\nno,b,1.5\n", &["label=bought"]);
    let error = gap.dataset().conform_to(&layout).unwrap_err().to_string();
    assert!(error.contains("column `x`: training had none missing"), "{error}");
}

#[test]
fn numbers_with_an_offset_are_read_in_the_terms_of_another_file() {
    let seconds =
        |first: i64| rows("seen,x", 30, |i| format!("{},{i}.5", first + 7 * (i as i64 % 9)));
    let (a, b) = (table(seconds(1_700_000_000), &[]), table(seconds(1_700_000_100), &[]));
    let read = b.dataset().conform_to(a.layout()).unwrap();
    let back = Table::from_dataset(read);
    assert_eq!(back.cells(0), b.cells(0));
}

/// A file of every kind of column, with a header, comments, CRLF line ends and quoted line breaks.
fn every_kind(rows: usize) -> String {
    let mut text = String::from("# by hand\r\nid,x,n,town,day,w,y\r\n");
    for i in 0..rows {
        let town = ["Ayr", "\"Bex, \"\"le\"\"\r\nBains\"", "?", "Çan"][i % 4];
        let x = if i % 7 == 3 { String::new() } else { format!("{}.{:02}", i % 9, i % 100) };
        text += &format!(
            "k{i},{x},{},{town},2024-01-{:02},{},{}\r\n",
            i * 3,
            1 + i % 28,
            0.5 + (i % 3) as f64,
            ["yes", "no"][i % 2]
        );
        if i % 50 == 20 {
            text += "\r\n# a comment\r\n";
        }
    }
    text
}

#[test]
fn a_file_that_is_read_some_columns_at_a_time_is_the_same_table() {
    use super::super::read::read_within;
    use crate::{CsvOptions, Missing};

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv");
    std::fs::write(&path, every_kind(300)).unwrap();
    for missing in [Missing::Keep, Missing::Drop] {
        let options = CsvOptions {
            label: Some("y".into()),
            weight: Some("w".into()),
            missing,
            ..CsvOptions::default()
        };
        let whole = read_within(&path, &options, usize::MAX).unwrap();
        assert!(whole.notes.iter().any(|note| note.contains("`id` is left out")));
        assert_eq!(whole.data.len(), if missing == Missing::Keep { 300 } else { 193 });
        // A column at a time, and two or three.
        for room in [1, 5000] {
            assert_eq!(read_within(&path, &options, room).unwrap(), whole, "room {room}");
        }
    }
    let options = CsvOptions { missing: Missing::Error, ..CsvOptions::default() };
    let says = |room| read_within(&path, &options, room).unwrap_err().to_string();
    assert_eq!(says(1), says(usize::MAX));
    // Identifiers alone are the data, in several passes too.
    std::fs::write(&path, (0..30).map(|i| format!("a{i},b{i}\n")).collect::<String>()).unwrap();
    let plain = CsvOptions::default();
    let whole = read_within(&path, &plain, usize::MAX).unwrap();
    assert_eq!(read_within(&path, &plain, 1).unwrap(), whole);
    let crate::Data::Table(table) = &whole.data else { panic!("a table") };
    assert_eq!(table.columns().len(), 2);
}

use super::*;
use crate::{Column, digits};

fn table(columns: &[(&str, Option<&[&str]>)], values: &[f32]) -> Dataset {
    let column = |&(name, categories): &(&str, Option<&[&str]>)| {
        let kind = match categories {
            None => ColumnKind::Continuous,
            Some(list) => {
                ColumnKind::Categorical { categories: list.iter().map(|c| c.to_string()).collect() }
            }
        };
        Column::new(name, kind)
    };
    let schema = TableSchema { columns: columns.iter().map(column).collect() };
    Dataset::from_parts(values.to_vec(), vec![columns.len()], None)
        .unwrap()
        .with_schema(schema)
        .unwrap()
}

#[test]
fn parts_that_do_not_fit_are_errors() {
    let parts = |values: &[f32], event: &[usize], labels: Option<&[u32]>| {
        Dataset::from_parts(values.to_vec(), event.to_vec(), labels.map(<[u32]>::to_vec))
    };
    for (got, says) in [
        (parts(&[], &[2], None), "one or more examples"),
        (parts(&[1.0; 3], &[2], None), "got 3 values"),
        (parts(&[1.0], &[], None), "one element or more"),
        (parts(&[1.0], &[1, 0], None), "one element or more"),
        (parts(&[1.0], &[usize::MAX, 3], None), "one element or more"),
        (parts(&[1.0, f32::NAN], &[1], None), "NaN in example 1"),
        (parts(&[1.0, f32::INFINITY], &[2], None), "inf in example 0"),
        (parts(&[1.0, 2.0], &[1], Some(&[0])), "one an example (2)"),
        (parts(&[1.0], &[1], Some(&[1 << 20])), "below 1048576"),
    ] {
        let text = got.unwrap_err().to_string();
        assert!(text.contains(says), "{text}");
    }
    let labelled = || parts(&[0.0, 3.0], &[1], Some(&[0, 2])).unwrap();
    assert!(labelled().with_levels(4).is_ok());
    assert!(labelled().with_levels(3).is_err());
    assert!(labelled().with_levels(1).is_err());
    assert!(parts(&[0.5], &[1], None).unwrap().with_levels(2).is_err());
    assert!(parts(&[-1.0], &[1], None).unwrap().with_levels(2).is_err());
    let names = |n: usize| vec!["name".to_string(); n];
    assert_eq!(labelled().with_class_names(names(5)).unwrap().classes(), Some(5));
    assert!(labelled().with_class_names(names(2)).is_err());
    assert!(labelled().without_labels().with_class_names(names(3)).is_err());
    assert!(labelled().with_test_part(labelled().without_labels()).is_err());
    assert!(labelled().with_schema(TableSchema { columns: vec![] }).is_err());
}

#[test]
fn the_hash_covers_shape_values_and_labels() {
    let base = Dataset::from_parts(vec![1.0, 2.0, 3.0, 4.0], vec![2], Some(vec![0, 1])).unwrap();
    let make = |v: f32, event: Vec<usize>, labels| {
        Dataset::from_parts(vec![1.0, 2.0, 3.0, v], event, labels).unwrap()
    };
    let others = [
        make(4.5, vec![2], Some(vec![0, 1])),
        make(4.0, vec![1, 2], Some(vec![0, 1])),
        make(4.0, vec![4], Some(vec![0])),
        make(4.0, vec![2], Some(vec![1, 1])),
        make(4.0, vec![2], None),
    ];
    for other in &others {
        assert_ne!(base.sha256(), other.sha256());
    }
    assert_eq!(base.sha256(), base.clone().sha256());
    assert_eq!(base.sha256().len(), 64);
    // As hashlib gives it for the bytes that the documentation names.
    let plain = Dataset::from_parts(vec![1.0, 2.0], vec![2], Some(vec![3])).unwrap();
    assert_eq!(plain.sha256(), HASHLIB);
}

/// `hashlib.sha256(b"pyrogen data v1" + struct.pack("<QQQffBI", 1, 2, 1, 1.0, 2.0, 1, 3))`
const HASHLIB: &str = "42aee560567f4f39681a55ae2c8ad06943c1da6fdf6666a003fb98c9955a2782";

#[test]
fn a_summary_counts() {
    let data = digits();
    let summary = data.describe();
    assert_eq!((summary.examples, summary.event.as_slice()), (1797, &[1, 8, 8][..]));
    assert_eq!((summary.min, summary.max, summary.levels), (0.0, 16.0, Some(17)));
    // numpy: load_digits().data.mean()
    assert!((summary.mean - 4.884164579855314).abs() < 1e-9, "{}", summary.mean);
    let classes = summary.classes.unwrap();
    assert_eq!((classes[3].name.as_str(), classes[3].count), ("3", 183));
    let json = serde_json::to_value(data.describe()).unwrap();
    assert_eq!(json["test_examples"], serde_json::Value::Null);
    assert_eq!(json["classes"][0]["count"], 178);
}

#[test]
#[should_panic(expected = "row 4 of 2 examples")]
fn a_row_that_is_not_there_panics() {
    Dataset::from_parts(vec![1.0, 2.0], vec![1], None).unwrap().subset(&[0, 4]);
}

#[test]
fn brightness_is_by_levels() {
    let data = digits();
    assert_eq!(data.layout().to_unit(&[0.0, 8.0, 16.0, 20.0]), [0.0, 0.5, 1.0, 1.0]);
    assert!(data.layout().is_picture());
}

#[test]
fn another_file_is_read_in_the_terms_of_the_first() {
    let first = table(&[("x", None), ("city", Some(&["Oslo", "Rome"]))], &[1.0, 0.0, 2.0, 1.0]);
    // Other order of columns, other categories, one column more.
    let second =
        table(&[("city", Some(&["Rome"])), ("extra", None), ("x", None)], &[0.0, 9.0, 5.0]);
    let read = second.conform_to(first.layout()).unwrap();
    assert_eq!(read.values(), [5.0, 1.0]);
    assert_eq!(read.layout(), first.layout());
    // Numbers in place of categories are matched by their text.
    let codes = table(&[("code", Some(&["7", "10"]))], &[1.0]);
    let numbers = table(&[("code", None)], &[7.0]);
    assert_eq!(numbers.conform_to(codes.layout()).unwrap().values(), [0.0]);

    let message = |data: &Dataset| data.conform_to(first.layout()).unwrap_err().to_string();
    let bern = table(&[("city", Some(&["Bern"])), ("x", None)], &[0.0, 1.0]);
    assert!(message(&bern).contains("column `city`, got `Bern`"), "{}", message(&bern));
    assert!(message(&table(&[("x", None)], &[1.0])).contains("column `city`"));
    let text = table(&[("x", Some(&["a"])), ("city", Some(&["Rome"]))], &[0.0, 0.0]);
    assert!(message(&text).contains("numbers in column `x`"));
    assert!(message(&digits()).contains("event"));
}

#[test]
fn labels_and_levels_conform_by_name_and_value() {
    let named = |names: &[&str], labels: &[u32]| {
        Dataset::from_parts(vec![0.0; labels.len()], vec![1], Some(labels.to_vec()))
            .unwrap()
            .with_class_names(names.iter().map(|n| n.to_string()).collect())
            .unwrap()
    };
    let first = named(&["ant", "bee", "cat"], &[0, 1, 2]);
    let second = named(&["bee", "ant"], &[0, 1, 1]);
    let read = second.conform_to(first.layout()).unwrap();
    assert_eq!(read.labels(), Some(&[1, 0, 0][..]));
    let text = named(&["dog"], &[0]).conform_to(first.layout()).unwrap_err();
    assert!(text.to_string().contains("ant, bee, cat, got dog"), "{text}");

    let levels = |l: Option<usize>, v: f32| {
        let data = Dataset::from_parts(vec![v], vec![1], None).unwrap();
        l.map_or(data.clone(), |l| data.with_levels(l).unwrap())
    };
    let layout = levels(Some(17), 3.0).layout().clone();
    assert_eq!(levels(None, 16.0).conform_to(&layout).unwrap().levels(), Some(17));
    assert!(levels(None, 0.5).conform_to(&layout).is_err());
    assert!(levels(Some(256), 3.0).conform_to(&layout).is_err());
}

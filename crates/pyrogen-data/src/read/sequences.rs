//! Sequences from a CSV table of one step a row.

use std::collections::HashMap;
use std::path::Path;

use crate::data::{Data, Sequences};
use crate::table::steps::StepTable;
use crate::{DataError, Loaded};

/// Which columns say what a row belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SequenceOptions {
    /// The column that is equal in the steps of a sequence.
    pub id: Option<String>,
    /// The column by which steps are sorted.
    pub time: Option<String>,
}

/// The name of the first column of the files that [`Sequences`] writes.
const OWN_ID: &str = "id";

/// Reads a table of steps. Sequences come in the order in which their first steps stand in the
/// file; steps in the order of the rows, or of `time`. Without `id`, a first column called `id` is
/// taken for it, and else all rows are one sequence.
pub(crate) fn load(path: &Path, options: &SequenceOptions) -> Result<Loaded, DataError> {
    let table = StepTable::read(path)?;
    let own = (table.names().first().map(String::as_str) == Some(OWN_ID)).then_some(0);
    let id = options.id.as_deref().map(|name| table.column(name)).transpose()?.or(own);
    let time = options.time.as_deref().map(|name| table.column(name)).transpose()?;
    let columns: Vec<usize> =
        (0..table.names().len()).filter(|&j| Some(j) != id && Some(j) != time).collect();
    if columns.is_empty() {
        return Err(DataError::NoExamples {
            path: path.to_path_buf(),
            hint: "there is no column of numbers beside id and time".to_string(),
        });
    }
    let mut sequences = groups(&table, id);
    if let Some(time) = time {
        let key = table.order_of(time)?;
        sequences.iter_mut().for_each(|rows| rows.sort_by(|&a, &b| key(a, b)));
    }
    let names = columns.iter().map(|&j| table.names()[j].clone()).collect();
    let (lengths, rows): (Vec<usize>, Vec<Vec<usize>>) =
        sequences.into_iter().map(|rows| (rows.len(), rows)).unzip();
    let mut values = Vec::with_capacity(table.len() * columns.len());
    for row in rows.into_iter().flatten() {
        for &j in &columns {
            values.push(table.number(row, j)?);
        }
    }
    let loaded = Loaded::new(Data::Sequences(Sequences::new(names, values, lengths)?));
    Ok(match (id, &options.id) {
        (Some(_), None) => {
            loaded.with_note("the column `id` says which sequence a step belongs to")
        }
        _ => loaded,
    })
}

/// The rows of each sequence.
fn groups(table: &StepTable, id: Option<usize>) -> Vec<Vec<usize>> {
    let Some(id) = id else {
        return vec![(0..table.len()).collect()];
    };
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for row in 0..table.len() {
        let place = *places.entry(table.text(row, id)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(row);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Items;

    fn read(text: &str, id: Option<&str>, time: Option<&str>) -> Result<Sequences, DataError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.csv");
        std::fs::write(&path, text).unwrap();
        let options =
            SequenceOptions { id: id.map(str::to_string), time: time.map(str::to_string) };
        match load(&path, &options)?.data {
            Data::Sequences(sequences) => Ok(sequences),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn steps_are_grouped_and_sorted() {
        let text = "who,when,x,y\nb,10,1,2\na,2,3,\nb,9,5,6\na,1,7,8\n";
        let all = read(text, Some("who"), Some("when")).unwrap();
        assert_eq!(all.columns(), ["x", "y"]);
        assert_eq!(all.lengths(), [2, 2]);
        assert_eq!(all.sequence(0), [5.0, 6.0, 1.0, 2.0]);
        assert_eq!(all.sequence(1)[..3], [7.0, 8.0, 3.0]);
        assert!(all.sequence(1)[3].is_nan());
        let days = "when,x\n2024-02-01,1\n2024-01-31,2\n";
        let sorted = read(days, None, Some("when")).unwrap();
        assert_eq!((sorted.lengths(), sorted.sequence(0)), (&[2][..], &[2.0, 1.0][..]));
    }

    #[test]
    fn without_an_id_all_rows_are_one_sequence() {
        let all = read("x\n1\n2\nNA\n4\n", None, None).unwrap();
        assert_eq!(all.lengths(), [4]);
        assert!(all.sequence(0)[2].is_nan());
        // What is written reads back.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("o.csv");
        let two = read("a,x\n1,2\n2,3\n2,\n", Some("a"), None).unwrap();
        two.write(&path).unwrap();
        let back = match load(&path, &SequenceOptions::default()).unwrap().data {
            Data::Sequences(back) => back,
            other => panic!("{other:?}"),
        };
        assert_eq!(back.sha256(), two.sha256());
    }

    #[test]
    fn bad_tables_are_errors() {
        for (text, id, time, says) in [
            ("x\na1\n2\n", None, None, "column `x`: `a1` is not a number"),
            ("x\n1\n", Some("who"), None, "no column `who`"),
            ("x\n1\n", Some("x"), None, "no column of numbers"),
            ("x,t\n1,\n2,3\n", None, Some("t"), "the time is missing"),
            ("x\n", None, None, "no rows"),
        ] {
            let error = read(text, id, time).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("s.csv"), "{text}: {error}");
        }
    }
}

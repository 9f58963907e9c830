//! Sequences of numbers and symbols from a CSV table of one step a row.

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
/// taken for it, and else all rows are one sequence. A column that holds more texts than numbers is one of
/// symbols.
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
            hint: "there is no column beside id and time".to_string(),
        });
    }
    let mut sequences = groups(&table, id);
    if let Some(time) = time {
        let key = table.order_of(time)?;
        sequences.iter_mut().for_each(|rows| rows.sort_by(|&a, &b| key(a, b)));
    }
    let names = columns.iter().map(|&j| table.names()[j].clone()).collect();
    let words: Vec<Option<Vec<String>>> =
        columns.iter().map(|&j| table.words(j)).collect::<Result<_, _>>()?;
    let places: Vec<HashMap<&str, usize>> = words
        .iter()
        .map(|words| words.iter().flatten().enumerate().map(|(k, w)| (w.as_str(), k)).collect())
        .collect();
    let (lengths, rows): (Vec<usize>, Vec<Vec<usize>>) =
        sequences.into_iter().map(|rows| (rows.len(), rows)).unzip();
    let mut values = Vec::with_capacity(table.len() * columns.len());
    for row in rows.into_iter().flatten() {
        for ((&j, words), places) in columns.iter().zip(&words).zip(&places) {
            values.push(match words {
                Some(_) if table.is_missing(row, j) => f64::NAN,
                Some(_) => places[table.text(row, j)] as f64,
                None => table.number(row, j)?,
            });
        }
    }
    let mut sequences = Sequences::new(names, values, lengths)?;
    let mut notes = Vec::new();
    for (k, words) in words.into_iter().enumerate() {
        let Some(words) = words else { continue };
        notes.push(format!("column `{}` holds {} symbols", sequences.columns()[k], words.len()));
        sequences = sequences.with_symbols(k, words)?;
    }
    let mut loaded = Loaded::new(Data::Sequences(sequences));
    loaded.notes = notes;
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
    fn words_are_symbols_and_come_back() {
        let text = "id,word,n\na,the,1\na,cat,2\nb,NA,3\nb,the,\nb,\"a, b\",5\n";
        let all = read(text, None, None).unwrap();
        assert_eq!(all.symbols(0).unwrap(), ["a, b", "cat", "the"]);
        assert_eq!(all.symbols(1), None);
        assert_eq!(all.sequence(0), [2.0, 1.0, 1.0, 2.0]);
        assert!(all.sequence(1)[0].is_nan());
        assert_eq!(all.cell(1, 2, 0), "a, b");
        assert_eq!(all.describe()["symbols"], serde_json::json!({ "word": 3 }));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("o.csv");
        all.write(&path).unwrap();
        let loaded = load(&path, &SequenceOptions::default()).unwrap();
        assert!(loaded.notes.iter().any(|n| n == "column `word` holds 3 symbols"));
        assert_eq!(loaded.data, Data::Sequences(all.clone()));
        // Parts keep the names, and other names make other data.
        let part = all.select(&[1, 0, 1]);
        assert_eq!(part.symbols(0), all.symbols(0));
        assert_eq!(Sequences::concat(vec![all.select(&[0]), all.select(&[1])]).unwrap(), all);
        let other = read(&text.replace("cat", "dog"), None, None).unwrap();
        assert_eq!(other.sequence(0), all.sequence(0));
        assert!(other != all && other.sha256() != all.sha256());
        assert!(Sequences::concat(vec![all.clone(), other]).is_err());
        assert!(all.clone().with_symbols(0, vec!["x".into()]).is_err());
        assert!(all.with_symbols(2, vec![]).is_err());
    }

    #[test]
    fn bad_tables_are_errors() {
        for (text, id, time, says) in [
            ("x\na1\n2\n3\n", None, None, "column `x`: `a1` is not a number"),
            ("x\n1\ninf\n2\n", None, None, "column `x`: `inf` is not a finite number"),
            ("x\n1\n", Some("who"), None, "no column `who`"),
            ("x\n1\n", Some("x"), None, "no column beside"),
            ("x,t\n1,\n2,3\n", None, Some("t"), "the time is missing"),
            ("x\n", None, None, "no rows"),
        ] {
            let error = read(text, id, time).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("s.csv"), "{text}: {error}");
        }
    }
}

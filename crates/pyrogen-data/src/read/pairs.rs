//! Ratings and graphs: tables of two names and a number.

use std::collections::HashMap;
use std::path::Path;

use crate::data::{Data, Edge, Graph, Rating, Ratings};
use crate::table::steps::StepTable;
use crate::{DataError, Loaded};

/// The columns of a table of pairs; none for the first, the second and the third.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PairColumns {
    /// Who rates, or where an edge begins.
    pub first: Option<String>,
    /// What is rated, or where an edge ends.
    pub second: Option<String>,
    /// The rating or the weight.
    pub value: Option<String>,
}

/// Names in the order in which they are seen.
#[derive(Default)]
struct Names {
    names: Vec<String>,
    places: HashMap<String, u32>,
}

impl Names {
    fn place(&mut self, name: &str) -> u32 {
        if let Some(&place) = self.places.get(name) {
            return place;
        }
        let place = self.names.len() as u32;
        self.names.push(name.to_string());
        self.places.insert(name.to_string(), place);
        place
    }
}

struct Places {
    first: usize,
    second: usize,
    value: Option<usize>,
}

impl PairColumns {
    fn places(&self, path: &Path, table: &StepTable) -> Result<Places, DataError> {
        let find = |name: &Option<String>, place: usize| match name {
            Some(name) => table.column(name).map(Some),
            None => Ok((place < table.names().len()).then_some(place)),
        };
        let need = |place: Option<usize>| {
            place.ok_or_else(|| DataError::NoExamples {
                path: path.to_path_buf(),
                hint: "two columns of names are needed".to_string(),
            })
        };
        Ok(Places {
            first: need(find(&self.first, 0)?)?,
            second: need(find(&self.second, 1)?)?,
            value: find(&self.value, 2)?,
        })
    }
}

/// A row of a table of pairs: two names that are there.
fn names_of(table: &StepTable, row: usize, places: &Places) -> Result<[String; 2], DataError> {
    let name = |column| match table.text(row, column) {
        "" => Err(table.missing(row, column)),
        name => Ok(name.to_string()),
    };
    Ok([name(places.first)?, name(places.second)?])
}

/// Reads ratings; those without a number are left out.
pub(crate) fn ratings(path: &Path, columns: &PairColumns) -> Result<Loaded, DataError> {
    let table = StepTable::read(path)?;
    let places = columns.places(path, &table)?;
    let Some(value) = places.value else {
        let hint = "three columns are needed: who, what, how much".to_string();
        return Err(DataError::NoExamples { path: path.to_path_buf(), hint });
    };
    let (mut users, mut things) = (Names::default(), Names::default());
    let (mut all, mut blank) = (Vec::new(), 0usize);
    for row in 0..table.len() {
        let [user, thing] = names_of(&table, row, &places)?;
        let number = table.number(row, value)?;
        if number.is_nan() {
            blank += 1;
            continue;
        }
        let (user, thing) = (users.place(&user), things.place(&thing));
        all.push(Rating { user, thing, value: number });
    }
    if all.is_empty() {
        let hint = "no row has a rating".to_string();
        return Err(DataError::NoExamples { path: path.to_path_buf(), hint });
    }
    let mut loaded = Loaded::new(Data::Ratings(Ratings::new(users.names, things.names, all)?));
    if blank > 0 {
        loaded.notes.push(format!("{blank} rows without a rating were passed over"));
    }
    Ok(loaded)
}

/// Reads a list of edges: names separated by commas, tabs or blanks, and a weight where there is a third
/// column.
pub(crate) fn graph(path: &Path, columns: &PairColumns) -> Result<Loaded, DataError> {
    let table = StepTable::read_edges(path)?;
    let places = columns.places(path, &table)?;
    let mut nodes = Names::default();
    let mut edges = Vec::with_capacity(table.len());
    for row in 0..table.len() {
        let [from, to] = names_of(&table, row, &places)?;
        let weight = match places.value {
            Some(column) => match table.number(row, column)? {
                weight if weight.is_nan() => 1.0,
                weight => weight,
            },
            None => 1.0,
        };
        edges.push(Edge { from: nodes.place(&from), to: nodes.place(&to), weight });
    }
    Ok(Loaded::new(Data::Graph(Graph::new(nodes.names, edges)?)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::data::Items;

    #[test]
    fn ratings_are_read_and_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.csv");
        fs::write(
            &path,
            "userId,movieId,rating,timestamp\n7,31,2.5,12\n7,9,4,13\n8,31,,14\n8,9,1,1\n",
        )
        .unwrap();
        let loaded = ratings(&path, &PairColumns::default()).unwrap();
        let Data::Ratings(all) = &loaded.data else { panic!() };
        assert_eq!(
            (all.users(), all.things()),
            (&["7".to_string(), "8".into()][..], &["31".to_string(), "9".into()][..])
        );
        assert_eq!(all.ratings()[2], Rating { user: 1, thing: 1, value: 1.0 });
        assert!(loaded.notes[0].contains("1 rows without a rating"));
        all.write(&path).unwrap();
        assert_eq!(ratings(&path, &PairColumns::default()).unwrap().data, loaded.data);
        let held = all.select(&[2]);
        assert_eq!((held.len(), held.users().len()), (1, 2));
        assert_ne!(held.sha256(), all.sha256());
        let columns = PairColumns { value: Some("x".into()), ..PairColumns::default() };
        assert!(ratings(&path, &columns).unwrap_err().to_string().contains("no column `x`"));
        fs::write(&path, "a,b\n1,2\n").unwrap();
        assert!(ratings(&path, &PairColumns::default()).is_err());
    }

    #[test]
    fn edges_are_read_from_lists_and_tables() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("g.txt");
        let edge = |from, to, weight| Edge { from, to, weight };
        for (text, expected) in [
            (
                "# FromNodeId ToNodeId\n3 5\n5 3\n3 9\n",
                [edge(0, 1, 1.0), edge(1, 0, 1.0), edge(0, 2, 1.0)],
            ),
            (
                "from,to,weight\n3,5,0.5\n5,3,2\n3,9,\n",
                [edge(0, 1, 0.5), edge(1, 0, 2.0), edge(0, 2, 1.0)],
            ),
            ("3\t5\n5\t3\n3\t9\n", [edge(0, 1, 1.0), edge(1, 0, 1.0), edge(0, 2, 1.0)]),
        ] {
            fs::write(&path, text).unwrap();
            let loaded = graph(&path, &PairColumns::default()).unwrap();
            let Data::Graph(found) = &loaded.data else { panic!() };
            assert_eq!(
                (found.nodes(), found.edges()),
                (&["3", "5", "9"].map(String::from)[..], &expected[..])
            );
            found.write(&path).unwrap();
            assert_eq!(graph(&path, &PairColumns::default()).unwrap().data, loaded.data);
        }
        fs::write(&path, "a,b\n1,\n").unwrap();
        assert!(graph(&path, &PairColumns::default()).unwrap_err().to_string().contains("line 2"));
    }
}

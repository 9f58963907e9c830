//! Random tables: what is written is read as it was.

use pyrogen_core::{Noise, Seed};

use super::*;
use crate::data::Table;

/// Random numbers below a bound, one after the other.
struct Draws {
    bits: Vec<u64>,
    at: usize,
}

impl Draws {
    fn new(seed: u64) -> Self {
        Self { bits: Noise::new(Seed(seed)).bits_vec(20_000), at: 0 }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.at += 1;
        self.bits[self.at % self.bits.len()] % n
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }
}

const WORDS: [&str; 16] = [
    "a",
    "b c",
    "ü",
    "Ö,x",
    "\"q\"",
    "line\nbreak",
    "cr\r\nlf",
    "日本",
    "x;y",
    "tab\there",
    "#1",
    "😀",
    "'",
    "007x",
    "-",
    "true",
];

/// The cells of a column that is written in one way.
fn column(draws: &mut Draws, n: usize) -> Vec<String> {
    let kind = draws.below(9);
    let places = draws.below(4) as usize + 1;
    let blank = ["", "?", "NA"][draws.below(3) as usize];
    let blanks = draws.below(3);
    let rows = (0..n).map(|i| {
        if i > 2 && draws.below(10) < 3 * blanks {
            return if kind < 2 { draws.of(&["", "?", "NA", "null"]).into() } else { blank.into() };
        }
        let number = draws.below(2_000_000) as f64 / 1000.0 - 1000.0;
        match kind {
            0 => draws.of(&WORDS).to_string(),
            1 => draws.of(&["True", "False"]).to_string(),
            2 => (draws.below(1000) as i64 - 500).to_string(),
            3 => (draws.below(u64::MAX / 4) as i64 + 7).to_string(),
            4 => format!("{number:.places$}"),
            5 => format!("${:.2}", number.abs()),
            6 => format!("{:.1}%", number),
            7 => format!("{:05}", draws.below(30)),
            _ => {
                let (y, m, d) = (1900 + draws.below(200), 1 + draws.below(12), 1 + draws.below(28));
                format!("{y}-{m:02}-{d:02}")
            }
        }
    });
    rows.collect()
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

fn read_text(text: &str) -> Table {
    let (_dir, path) = file(text);
    let loaded = read_table(&path, &CsvOptions::default());
    match loaded.unwrap_or_else(|e| panic!("{e}\n{text}")).data {
        Data::Table(table) => table,
        other => panic!("{other:?}"),
    }
}

#[test]
fn written_tables_read_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("o.csv");
    for seed in 0..150 {
        let mut draws = Draws::new(seed);
        let (n, width) = (3 + draws.below(40) as usize, 1 + draws.below(6) as usize);
        let columns: Vec<Vec<String>> = (0..width).map(|_| column(&mut draws, n)).collect();
        let names: Vec<String> = (0..width).map(|j| quoted(&format!("näme, {j}"))).collect();
        let mut text = names.join(",") + "\n";
        for i in 0..n {
            let cells: Vec<String> = columns.iter().map(|column| quoted(&column[i])).collect();
            text += &(cells.join(",") + if seed % 2 == 0 { "\n" } else { "\r\n" });
        }
        let first = read_text(&text);
        Data::Table(first.clone()).write(&path).unwrap();
        let written = fs::read_to_string(&path).unwrap();
        let second = read_text(&written);
        assert_eq!(second, first, "seed {seed}\n{text}\n{written}");
        // Each cell is what it was, but for the sign of a zero.
        for (j, column) in first.columns().iter().enumerate() {
            let place = names.iter().position(|name| *name == quoted(&column.name)).unwrap();
            for (i, cell) in columns[place].iter().enumerate() {
                let zero = cell.trim_start_matches('-').trim_matches(['0', '.', '%', '$']);
                if !zero.is_empty() {
                    assert_eq!(first.text(i, j), *cell, "seed {seed}");
                }
            }
        }
        // Through the rows of f32 that models see, categories, days and gaps are the same.
        let seen = Table::from_dataset(first.dataset().into_owned());
        for j in 0..first.columns().len() {
            let exact =
                !matches!(first.columns()[j].kind, ColumnKind::Integer | ColumnKind::Continuous);
            for i in (0..n).filter(|&i| exact || first.is_missing(i, j)) {
                assert_eq!(seen.text(i, j), first.text(i, j), "seed {seed}");
            }
        }
    }
}

//! Documents as word counts: from text, from a CSV column, from LDA-C files.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::bytes;
use super::text;
use crate::data::{Data, Documents};
use crate::table::steps::StepTable;
use crate::{DataError, Loaded};

/// How documents are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DocumentOptions {
    /// The column of a CSV file that holds the text.
    pub column: Option<String>,
    /// The column of a CSV file that holds the class.
    pub label: Option<String>,
    /// Whether each line of a text file is a document.
    pub lines: bool,
    /// The words of an LDA-C file, a line each.
    pub vocabulary: Option<String>,
    /// In how many documents a word must be to be kept.
    pub least: Option<usize>,
}

/// Reads documents: of a `.ldac` or `.dat` file as it is, of others their words.
pub(crate) fn load(place: &Path, options: &DocumentOptions) -> Result<Loaded, DataError> {
    let ending = place.extension().unwrap_or_default().to_ascii_lowercase();
    if place.is_file() && ["ldac", "dat"].iter().any(|e| ending == *e) {
        return ldac(place, options.vocabulary.as_deref()).map(|d| Loaded::new(Data::Documents(d)));
    }
    if let (None, Some(label)) = (&options.column, &options.label) {
        let option = format!("label={label}");
        return Err(DataError::option(option, "given with `column`, of a CSV file"));
    }
    let (texts, notes) = match &options.column {
        Some(column) => (column_texts(place, column)?, Vec::new()),
        None => {
            let form = if options.lines { text::Documents::Lines } else { text::Documents::Files };
            let loaded = text::load(place, form)?;
            let Data::Text(text) = loaded.data else { unreachable!("text is text") };
            (text.documents().iter().map(|d| d.to_string()).collect(), loaded.notes)
        }
    };
    let mut documents = count(&texts, options.least.unwrap_or(1))?;
    if let Some(label) = &options.label {
        documents = labelled(documents, &column_texts(place, label)?)?;
    }
    let mut loaded = Loaded::new(Data::Documents(documents));
    loaded.notes = notes;
    Ok(loaded)
}

/// Documents with classes by name, in the order of the names; of whole numbers, in theirs.
fn labelled(documents: Documents, names: &[String]) -> Result<Documents, DataError> {
    let mut classes = names.to_vec();
    match names.iter().all(|name| name.parse::<i64>().is_ok()) {
        true => classes.sort_by_key(|name| name.parse::<i64>().unwrap_or(0)),
        false => classes.sort(),
    }
    classes.dedup();
    let place = |name: &String| classes.iter().position(|c| c == name).unwrap_or(0) as u32;
    let labels = names.iter().map(place).collect();
    documents.with_labels(labels, classes)
}

fn column_texts(path: &Path, column: &str) -> Result<Vec<String>, DataError> {
    let table = StepTable::read(path)?;
    let column = table.column(column)?;
    Ok((0..table.len()).map(|row| table.text(row, column).to_string()).collect())
}

/// The words of a text: runs of letters and digits, with apostrophes and hyphens inside, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’' | '-');
    let trim = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    text.split(move |c: char| !inside(c)).map(trim).filter(|word| !word.is_empty())
}

fn count(texts: &[String], least: usize) -> Result<Documents, DataError> {
    let counted: Vec<BTreeMap<String, u32>> = texts
        .iter()
        .map(|text| {
            let mut counts = BTreeMap::new();
            words(text).for_each(|word| *counts.entry(word).or_insert(0) += 1);
            counts
        })
        .collect();
    let mut documents: BTreeMap<&str, usize> = BTreeMap::new();
    for word in counted.iter().flat_map(BTreeMap::keys) {
        *documents.entry(word).or_insert(0) += 1;
    }
    let vocabulary: Vec<String> = documents
        .into_iter()
        .filter(|(_, count)| *count >= least)
        .map(|(word, _)| word.to_string())
        .collect();
    if vocabulary.is_empty() {
        let expected = format!("a word that is in {least} documents");
        return Err(DataError::part("documents", expected, "none"));
    }
    let places: HashMap<&str, u32> =
        vocabulary.iter().enumerate().map(|(k, word)| (word.as_str(), k as u32)).collect();
    let pairs = |counts: &BTreeMap<String, u32>| {
        counts.iter().filter_map(|(word, n)| Some((*places.get(word.as_str())?, *n))).collect()
    };
    let all = counted.iter().map(pairs).collect();
    Documents::new(vocabulary.clone(), all)
}

/// An LDA-C file: `N WORD:COUNT ...` a line.
fn ldac(path: &Path, vocabulary: Option<&str>) -> Result<Documents, DataError> {
    let text = text_of(path)?;
    let wrong = |line: usize, message: String| {
        DataError::format(path, "LDA-C", format!("line {}: {message}", line + 1))
    };
    let mut documents = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let mut parts = line.split_ascii_whitespace();
        let Some(announced) = parts.next() else { continue };
        let mut pairs = Vec::new();
        for part in parts {
            let pair = part.split_once(':');
            let pair = pair.and_then(|(word, n)| Some((word.parse().ok()?, n.parse().ok()?)));
            pairs.push(pair.ok_or_else(|| wrong(i, format!("`{part}` is not WORD:COUNT")))?);
        }
        if announced.parse() != Ok(pairs.len()) {
            return Err(wrong(
                i,
                format!("`{announced}` words are announced, {} are there", pairs.len()),
            ));
        }
        documents.push(pairs);
    }
    if documents.is_empty() {
        let hint = "the file has no lines".to_string();
        return Err(DataError::NoExamples { path: path.to_path_buf(), hint });
    }
    let beside = path.with_extension("vocab");
    let words: Vec<String> = match vocabulary.map(Path::new) {
        Some(file) => text_of(file)?.lines().map(str::to_string).collect(),
        None if beside.is_file() => text_of(&beside)?.lines().map(str::to_string).collect(),
        None => {
            let top = documents.iter().flatten().map(|&(word, _): &(u32, u32)| word).max();
            let limit = 1 << 20;
            let top = top.unwrap_or(0);
            if top >= limit {
                return Err(wrong(0, format!("word {top} is beyond {limit}, which is the limit")));
            }
            (0..=top).map(|word| format!("word{word}")).collect()
        }
    };
    let documents = Documents::new(words, documents)?;
    let beside = path.with_extension("labels");
    if !beside.is_file() {
        return Ok(documents);
    }
    let names: Vec<String> = text_of(&beside)?.lines().map(str::to_string).collect();
    labelled(documents, &names)
}

fn text_of(path: &Path) -> Result<String, DataError> {
    String::from_utf8(bytes::read_text(path)?).map_err(|_| DataError::NotUtf8 {
        path: path.to_path_buf(),
        line: 1,
        byte: None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::data::Items;

    fn documents(loaded: Loaded) -> Documents {
        match loaded.data {
            Data::Documents(documents) => documents,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn words_are_counted_and_counts_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        fs::write(&path, "The cat's cat — the Über-cat.\nNo cat!\n'' 3 the\n").unwrap();
        let options = DocumentOptions { lines: true, ..DocumentOptions::default() };
        let all = documents(load(&path, &options).unwrap());
        assert_eq!(all.vocabulary(), ["3", "cat", "cat's", "no", "the", "über-cat"]);
        assert_eq!(all.documents()[0], [(1, 1), (2, 1), (4, 2), (5, 1)]);
        assert_eq!((all.documents()[1].len(), all.tokens()), (2, 9));
        let out = dir.path().join("o.ldac");
        all.write(&out).unwrap();
        assert_eq!(documents(load(&out, &DocumentOptions::default()).unwrap()), all);
        let options = DocumentOptions { least: Some(2), ..options };
        let frequent = documents(load(&path, &options).unwrap());
        assert_eq!(frequent.vocabulary(), ["cat", "the"]);
    }

    #[test]
    fn classes_are_read_from_a_column_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        fs::write(&path, "year,text\n1801,a b\n999,b\n1801,c\n").unwrap();
        let options = DocumentOptions {
            column: Some("text".into()),
            label: Some("year".into()),
            ..DocumentOptions::default()
        };
        let all = documents(load(&path, &options).unwrap());
        // Numbers in their order, not as words.
        assert_eq!(all.class_names(), ["999", "1801"]);
        assert_eq!(all.labels(), Some(&[1, 0, 1][..]));
        assert_eq!(all.select(&[2, 1]).labels(), Some(&[1, 0][..]));
        let out = dir.path().join("o.ldac");
        all.write(&out).unwrap();
        assert_eq!(documents(load(&out, &DocumentOptions::default()).unwrap()), all);
        let plain = Documents::new(all.vocabulary().to_vec(), all.documents().to_vec()).unwrap();
        assert_ne!(plain.sha256(), all.sha256());
        assert!(Documents::concat(vec![plain.clone(), all.clone()]).is_err());
        assert_eq!(Documents::concat(vec![all.clone(), all]).unwrap().labels().unwrap().len(), 6);
        assert!(plain.clone().with_labels(vec![0], vec!["x".into()]).is_err());
        assert!(plain.with_labels(vec![0, 1, 2], vec!["x".into()]).is_err());
        let options = DocumentOptions { label: Some("year".into()), ..DocumentOptions::default() };
        assert!(load(&path, &options).unwrap_err().to_string().contains("column"));
    }

    #[test]
    fn a_column_of_a_table_and_bad_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        fs::write(&path, "id,text\n1,\"a b, a\"\n2,c\n").unwrap();
        let options = DocumentOptions { column: Some("text".into()), ..DocumentOptions::default() };
        assert_eq!(documents(load(&path, &options).unwrap()).documents()[0], [(0, 2), (1, 1)]);
        let path = dir.path().join("a.ldac");
        for (text, says) in [
            ("2 0:1\n", "line 1: `2` words are announced, 1 are there"),
            ("1 0-1\n", "`0-1` is not WORD:COUNT"),
            ("1 999999999:1\n", "which is the limit"),
            ("", "no lines"),
        ] {
            fs::write(&path, text).unwrap();
            let error = load(&path, &DocumentOptions::default()).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        fs::write(&path, "1 7:2\n").unwrap();
        fs::write(dir.path().join("a.vocab"), "x\ny\n").unwrap();
        let error = load(&path, &DocumentOptions::default()).unwrap_err().to_string();
        assert!(error.contains("below 2, got 7"), "{error}");
    }
}

//! ROUGE, METEOR, stems, Self-BLEU and MAUVE against rouge-score, nltk, sacrebleu and mauve-text.

use std::collections::BTreeMap;

use pyrogen_core::{Noise, Seed};
use pyrogen_metrics::Features;
use pyrogen_metrics::text::{
    Bleu, Corpus, Mauve, MauveOptions, Meteor, PorterStemmer, Rouge, RougeTokenizer, SegmentMetric,
    Tokenizer, mauve, mauve_of_counts, self_bleu,
};
use serde::Deserialize;

use super::fixtures::{F64, close, fixture};

#[derive(Deserialize)]
struct Fixture {
    rouge: RougeFixture,
    meteor: Vec<[f64; 2]>,
    stems: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RougeFixture {
    texts: Vec<(String, Vec<String>)>,
    cases: Vec<RougeCase>,
}

#[derive(Deserialize)]
struct RougeCase {
    stem: bool,
    /// Precision, recall and F1 of each value, text by text.
    scores: Vec<[[f64; 3]; 4]>,
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

#[test]
fn rouge_is_that_of_rouge_score() {
    let fixture: Fixture = fixture("text_rouge");
    assert_eq!(fixture.rouge.cases.len(), 2);
    for case in &fixture.rouge.cases {
        let rouge = Rouge { stem: case.stem, ..Rouge::default() };
        let mut sums = [0.0; 4];
        for ((hypothesis, references), expected) in fixture.rouge.texts.iter().zip(&case.scores) {
            let scores = rouge.score(hypothesis, &strs(references));
            for (i, (got, expected)) in scores.iter().zip(expected).enumerate() {
                let got = [got.precision, got.recall, got.f1];
                close(&got, expected, F64, &format!("value {i} of {hypothesis:?}"));
                sums[i] += got[2];
            }
        }
        // The corpus: streams with gaps, and the mean.
        let hypotheses: Vec<&str> = fixture.rouge.texts.iter().map(|t| t.0.as_str()).collect();
        let stream = |i: usize| -> Vec<Option<&str>> {
            fixture.rouge.texts.iter().map(|t| t.1.get(i).map(String::as_str)).collect()
        };
        let corpus = Corpus::with_missing(&hypotheses, &[stream(0), stream(1)]).unwrap();
        let report = rouge.evaluate(&corpus).unwrap();
        let names: Vec<&str> = report.values().map(|(name, _)| name).collect();
        assert_eq!(names, ["rouge1", "rouge2", "rougeL", "rougeLsum"]);
        let got: Vec<f64> = report.values().map(|(_, value)| value).collect();
        close(&got, &sums.map(|s| s / hypotheses.len() as f64), F64, "means");
    }
}

#[test]
fn a_break_of_ones_own_is_a_line_end() {
    let text = ["a b c\nd e", "d x e\na c b"];
    let broken = text.map(|t| t.replace('\n', "<n>"));
    let rouge = Rouge { sentence_break: Some("<n>".to_string()), ..Rouge::default() };
    let expected = Rouge::default().score(text[0], &[text[1]]);
    assert_eq!(rouge.score(&broken[0], &[&broken[1]]), expected);
    assert_ne!(expected[2], expected[3], "both forms of the longest subsequence differ here");
}

#[test]
fn the_unicode_tokenizer_sees_all_scripts() {
    let unicode = Rouge { tokenizer: RougeTokenizer::Unicode, ..Rouge::default() };
    // Shared words of each side, by hand: precision, recall.
    for (hypothesis, reference, precision, recall) in [
        ("Привет, мир!", "привет мой мир", 2.0 / 2.0, 2.0 / 3.0),
        ("今天天气", "今天很好", 2.0 / 4.0, 2.0 / 4.0),
        ("مرحبا بالعالم", "مرحبا يا عالم", 1.0 / 2.0, 1.0 / 3.0),
        ("été chaud", "Été froid", 1.0 / 2.0, 1.0 / 2.0),
        ("नमस्ते दुनिया", "नमस्ते संसार", 1.0 / 2.0, 1.0 / 2.0),
        ("the cat's 3.5 cats", "the cat's 3.5 dogs", 3.0 / 4.0, 3.0 / 4.0),
    ] {
        let score = unicode.score(hypothesis, &[reference])[0];
        close(&[score.precision, score.recall], &[precision, recall], 1e-12, hypothesis);
    }
    assert_eq!(Rouge::default().score("Привет", &["Привет"])[0].f1, 0.0);
}

#[test]
fn stems_are_those_of_nltk() {
    let fixture: Fixture = fixture("text_rouge");
    assert!(fixture.stems.len() > 400);
    let mut stemmer = PorterStemmer::default();
    for (word, stem) in &fixture.stems {
        assert_eq!(stemmer.stem(word), stem, "{word}");
        assert_eq!(stemmer.stem(&word.to_uppercase()), stem, "{word} in capitals");
    }
}

#[test]
fn meteor_is_that_of_nltk_without_synonyms() {
    #[derive(Deserialize)]
    struct Lines {
        lines: Vec<(String, String, Option<String>)>,
    }
    let lines = fixture::<Lines>("text_sacrebleu").lines;
    let expected = fixture::<Fixture>("text_rouge").meteor;
    let hypotheses: Vec<&str> = lines.iter().map(|l| l.0.as_str()).collect();
    let first: Vec<Option<&str>> = lines.iter().map(|l| Some(l.1.as_str())).collect();
    let second: Vec<Option<&str>> = lines.iter().map(|l| l.2.as_deref()).collect();
    let corpus = Corpus::with_missing(&hypotheses, &[first, second]).unwrap();
    let plain = Meteor { tokenizer: Tokenizer::None, ..Meteor::default() };
    let other = Meteor { alpha: 0.5, beta: 1.5, gamma: 0.3, ..plain.clone() };
    for (i, metric) in [plain, other].iter().enumerate() {
        let expected: Vec<f64> = expected.iter().map(|row| row[i]).collect();
        let segments = metric.evaluate_segments(&corpus).unwrap().concat();
        close(&segments, &expected, F64, "meteor");
        let mean = expected.iter().sum::<f64>() / expected.len() as f64;
        close(&[metric.evaluate(&corpus).unwrap().get("meteor").unwrap()], &[mean], F64, "mean");
    }
}

#[derive(Deserialize)]
struct Systems {
    mauve: MauveFixture,
    self_bleu: SelfBleu,
}

#[derive(Deserialize)]
struct SelfBleu {
    texts: Vec<String>,
    values: Vec<SelfBleuValue>,
}

#[derive(Deserialize)]
struct SelfBleuValue {
    order: usize,
    value: f64,
}

#[test]
fn self_bleu_is_the_mean_of_sacrebleus_sentences() {
    let fixture = fixture::<Systems>("text_systems").self_bleu;
    assert_eq!(fixture.values.len(), 2);
    for SelfBleuValue { order, value } in fixture.values {
        let bleu = Bleu { effective_order: true, max_order: order, ..Bleu::default() };
        close(&[self_bleu(&fixture.texts, &bleu).unwrap()], &[value], F64, "self-bleu");
    }
}

#[derive(Deserialize)]
struct MauveFixture {
    counts: Vec<Counts>,
    groups: Groups,
}

#[derive(Deserialize)]
struct Counts {
    p: Vec<f64>,
    q: Vec<f64>,
    values: [f64; 4],
}

#[derive(Deserialize)]
struct Groups {
    real: Vec<Vec<f64>>,
    generated: Vec<Vec<f64>>,
    values: [f64; 4],
}

fn four(m: Mauve) -> [f64; 4] {
    [m.mauve, m.frontier_integral, m.mauve_star, m.frontier_integral_star]
}

#[test]
fn mauve_is_that_of_mauve_text_for_equal_clusters() {
    let fixture = fixture::<Systems>("text_systems").mauve;
    assert_eq!(fixture.counts.len(), 9);
    for row in &fixture.counts {
        let got = mauve_of_counts(&row.q, &row.p, &MauveOptions::default()).unwrap();
        close(&four(got), &row.values, F64, &format!("{} clusters", row.p.len()));
    }
    let features = |rows: &[Vec<f64>]| Features::new(rows.concat(), rows.len(), rows[0].len());
    let (real, generated) = (&fixture.groups.real, &fixture.groups.generated);
    let options = MauveOptions { clusters: Some(5), restarts: 20, ..MauveOptions::default() };
    for seed in [1, 2] {
        let (real, generated) = (features(real).unwrap(), features(generated).unwrap());
        let got = mauve(&real, &generated, &options, &Noise::new(Seed(seed))).unwrap();
        close(&four(got), &fixture.groups.values, F64, "groups that are far apart");
    }
}

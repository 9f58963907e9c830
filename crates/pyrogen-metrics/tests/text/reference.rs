//! BLEU, chrF and TER against sacrebleu: corpora, segments, signatures, tokens.

use pyrogen_metrics::text::{
    Bleu, Chrf, Corpus, SegmentMetric, SignatureForm, Smoothing, Ter, Tokenizer,
};
use serde::Deserialize;

use super::fixtures::{F64, close, fixture};

type Line = (String, String, Option<String>);

#[derive(Deserialize)]
struct Sacrebleu {
    lines: Vec<Line>,
    cases: Vec<Case>,
    tokens: Vec<Tokens>,
}

#[derive(Deserialize)]
struct Case {
    metric: String,
    options: Options,
    streams: String,
    lines: usize,
    corpus: f64,
    segments: Vec<f64>,
    short: String,
    long: String,
}

/// The options of all three, by sacrebleu's names.
#[derive(Deserialize, Debug, Default)]
#[serde(default, deny_unknown_fields)]
struct Options {
    tokenize: Option<Tokenizer>,
    smooth_method: Option<String>,
    smooth_value: Option<f64>,
    effective_order: bool,
    max_ngram_order: Option<usize>,
    lowercase: bool,
    char_order: Option<usize>,
    word_order: usize,
    beta: Option<u32>,
    whitespace: bool,
    eps_smoothing: bool,
    normalized: bool,
    no_punct: bool,
    asian_support: bool,
    case_sensitive: bool,
}

impl Options {
    fn bleu(&self) -> Bleu {
        let smoothing = match self.smooth_method.as_deref() {
            None | Some("exp") => Smoothing::Exp,
            Some("floor") => Smoothing::Floor(self.smooth_value.unwrap_or(Smoothing::FLOOR)),
            Some("add-k") => Smoothing::AddK(self.smooth_value.unwrap_or(Smoothing::ADD_K)),
            Some("none") => Smoothing::None,
            Some(other) => panic!("{other}"),
        };
        Bleu {
            tokenizer: self.tokenize.unwrap_or_default(),
            smoothing,
            lowercase: self.lowercase,
            max_order: self.max_ngram_order.unwrap_or(4),
            effective_order: self.effective_order,
        }
    }

    fn chrf(&self) -> Chrf {
        Chrf {
            char_order: self.char_order.unwrap_or(6),
            word_order: self.word_order,
            beta: self.beta.unwrap_or(2),
            lowercase: self.lowercase,
            whitespace: self.whitespace,
            eps_smoothing: self.eps_smoothing,
        }
    }

    fn ter(&self) -> Ter {
        Ter {
            normalized: self.normalized,
            no_punct: self.no_punct,
            asian_support: self.asian_support,
            case_sensitive: self.case_sensitive,
        }
    }
}

#[derive(Deserialize)]
struct Tokens {
    text: String,
    #[serde(rename = "13a")]
    mteval13a: Vec<String>,
    intl: Vec<String>,
    char: Vec<String>,
    none: Vec<String>,
}

fn check<M: SegmentMetric>(metric: &M, case: &Case, lines: &[Line]) {
    let hypotheses: Vec<&str> = lines.iter().map(|l| l.0.as_str()).collect();
    let upper: Vec<String> = lines.iter().map(|l| l.1.to_uppercase()).collect();
    let first: Vec<Option<&str>> = lines.iter().map(|l| Some(l.1.as_str())).collect();
    let second = |i: usize| match (&lines[i].2, case.streams.as_str()) {
        (Some(text), _) => Some(text.as_str()),
        (None, "both") => Some(upper[i].as_str()),
        (None, _) => None,
    };
    let second: Vec<Option<&str>> = (0..lines.len()).map(second).collect();
    let streams = if case.streams == "one" { vec![first] } else { vec![first, second] };
    let corpus = Corpus::with_missing(&hypotheses, &streams).unwrap();
    let what = format!("{} {:?} {}", case.metric, case.options, case.streams);

    let report = metric.evaluate(&corpus).unwrap();
    close(&[report.get(&case.metric).unwrap()], &[case.corpus], F64, &what);
    let segments = metric.evaluate_segments(&corpus).unwrap().concat();
    close(&segments, &case.segments, F64, &what);
    let signature = metric.signature(corpus.reference_count());
    let version = env!("CARGO_PKG_VERSION");
    for (form, expected) in [
        (SignatureForm::Short, format!("{}|v:pyrogen-{version}", case.short)),
        (SignatureForm::Long, format!("{}|version:pyrogen-{version}", case.long)),
    ] {
        assert_eq!(signature.sacrebleu(form).unwrap(), expected, "{what}");
    }
}

#[test]
fn scores_and_signatures_are_those_of_sacrebleu() {
    let fixture: Sacrebleu = fixture("text_sacrebleu");
    let mut counts = [0; 3];
    for case in &fixture.cases {
        let lines = &fixture.lines[..case.lines];
        match case.metric.as_str() {
            "bleu" => check(&case.options.bleu(), case, lines),
            "chrf" => check(&case.options.chrf(), case, lines),
            "ter" => check(&case.options.ter(), case, lines),
            other => panic!("{other}"),
        }
        counts[["bleu", "chrf", "ter"].iter().position(|m| *m == case.metric).unwrap()] += 1;
    }
    assert!(counts.iter().all(|&c| c >= 16), "{counts:?}");
}

#[test]
fn tokens_are_those_of_sacrebleu() {
    let fixture: Sacrebleu = fixture("text_sacrebleu");
    for row in &fixture.tokens {
        for (tokenizer, expected) in [
            (Tokenizer::Mteval13a, &row.mteval13a),
            (Tokenizer::International, &row.intl),
            (Tokenizer::Char, &row.char),
            (Tokenizer::None, &row.none),
        ] {
            assert_eq!(&tokenizer.tokenize(&row.text), expected, "{tokenizer:?} {:?}", row.text);
        }
    }
}

//! How varied generated texts are, and whether they copy the training text.

use pyrogen_data::{Data, Text};
use pyrogen_metrics::text::{
    Bleu, Distinct, TextSignature, Tokenizer, ngram_overlap, repetition, self_bleu,
};
use pyrogen_metrics::{MetricReport, Signature};

use crate::FailedMetric;

/// How texts become words: all punctuation of Unicode is split off.
const TOKENIZER: Tokenizer = Tokenizer::International;

/// The n-grams whose repetition is counted (Welleck et al. 2020).
const REPEATED: usize = 4;

/// The n-grams that are looked for in the training text: of 8 words, and of 13 (Brown et al. 2020).
const COPIED: [usize; 2] = [8, 13];

/// Reports on generated texts: distinct-n, self-BLEU, repetition, and the share of n-grams that stand
/// in the training text, where it is known. The same of as many real texts, for comparison, where
/// there are two or more. Words are those of the tokenizer `intl`.
pub(crate) fn texts(
    generated: &Text,
    real: &Text,
    training: Option<&Data>,
    failed: &mut Vec<FailedMetric>,
) -> Vec<MetricReport> {
    let mut reports = Vec::new();
    let made: Vec<&str> = generated.documents().iter().map(|d| &**d).collect();
    let own: Vec<&str> = real.documents().iter().map(|d| &**d).take(made.len()).collect();
    let mut keep = |metric: &str, report: Result<MetricReport, String>| match report {
        Ok(report) => reports.push(report),
        Err(reason) => failed.push(FailedMetric { metric: metric.into(), reason }),
    };
    keep("distinct", diversity(&made, &own));
    keep("self-bleu", alike(&made));
    let (made, training) = numbered(&made, training);
    keep("repetition", Ok(repeated(&made)));
    if let Some(training) = training {
        keep("copies", Ok(copies(&made, &training)));
    }
    reports
}

fn diversity(made: &[&str], own: &[&str]) -> Result<MetricReport, String> {
    let distinct = Distinct { tokenizer: TOKENIZER, max_order: 3, ..Distinct::default() };
    let values = distinct.of(made).map_err(|e| e.to_string())?;
    let mut named: Vec<(String, f64)> = distinct.value_names().into_iter().zip(values).collect();
    if own.len() == made.len() {
        let real = distinct.of(own).map_err(|e| e.to_string())?;
        let names = distinct.value_names().into_iter().map(|name| format!("real_{name}"));
        named.extend(names.zip(real));
    }
    let named: Vec<(&str, f64)> =
        named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    Ok(MetricReport::new(distinct.signature(made.len()).signature(), &named))
}

fn alike(made: &[&str]) -> Result<MetricReport, String> {
    let bleu = Bleu { tokenizer: TOKENIZER, effective_order: true, ..Bleu::default() };
    let value = self_bleu(made, &bleu).map_err(|e| e.to_string())?;
    let signature = TextSignature::of_self_bleu(&bleu, made.len()).signature();
    Ok(MetricReport::new(signature, &[("self_bleu", value)]))
}

fn signature(metric: &str, made: &[Vec<u32>]) -> Signature {
    Signature::new(metric).with("generated", made.len()).with("tok", TOKENIZER.name())
}

fn repeated(made: &[Vec<u32>]) -> MetricReport {
    let signature = signature("repetition", made).with("order", REPEATED).with_version();
    MetricReport::new(signature, &[("repetition", repetition(made, REPEATED))])
}

fn copies(made: &[Vec<u32>], training: &[Vec<u32>]) -> MetricReport {
    let words: usize = training.iter().map(Vec::len).sum();
    let signature = signature("copies", made).with("training", words).with_version();
    let [short, long] = COPIED.map(|order| ngram_overlap(made, training, order));
    MetricReport::new(signature, &[("copied_8", short), ("copied_13", long)])
}

/// The words of texts as numbers of one vocabulary.
fn numbered(made: &[&str], training: Option<&Data>) -> (Vec<Vec<u32>>, Option<Vec<Vec<u32>>>) {
    let mut numbers: std::collections::HashMap<String, u32> = Default::default();
    let mut of = |text: &str| {
        let number = |word: String| {
            let next = numbers.len() as u32;
            *numbers.entry(word).or_insert(next)
        };
        TOKENIZER.tokenize(text).into_iter().map(number).collect::<Vec<u32>>()
    };
    let made = made.iter().map(|text| of(text)).collect();
    let training = match training {
        Some(Data::Text(text)) => Some(text.documents().iter().map(|d| of(d)).collect()),
        _ => None,
    };
    (made, training)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(reports: &[MetricReport], name: &str) -> f64 {
        let found = reports.iter().find_map(|report| report.get(name));
        found.unwrap_or_else(|| panic!("{name}: {reports:?}"))
    }

    #[test]
    fn copies_and_repetition_are_counted_by_hand() {
        let training = "one two three four five six seven eight nine ten eleven twelve thirteen";
        let training = Data::Text(Text::new([training]));
        // 13 words of the training text, then one of its own: 6 of 7 runs of 8 words are copies, 1 of
        // 2 of 13. And four words that come twice: of 5 runs of 4 words 4 differ.
        let made = Text::new([
            "one two three four five six seven eight nine ten eleven twelve thirteen now",
            "a b c d a b c d",
        ]);
        let real = Text::new(["x y", "x z"]);
        let mut failed = Vec::new();
        let reports = texts(&made, &real, Some(&training), &mut failed);
        assert!(failed.is_empty(), "{failed:?}");
        // The second text has one run of 8 words, which no one else has.
        assert!((value(&reports, "copied_8") - 6.0 / 8.0).abs() < 1e-12);
        assert!((value(&reports, "copied_13") - 1.0 / 2.0).abs() < 1e-12);
        assert!((value(&reports, "repetition") - 0.5 * (1.0 - 4.0 / 5.0)).abs() < 1e-12);
        // 14 and 4 different words of 22.
        assert!((value(&reports, "distinct_1") - 18.0 / 22.0).abs() < 1e-12);
        assert!((value(&reports, "real_distinct_1") - 3.0 / 4.0).abs() < 1e-12);
        for report in &reports {
            for (name, _) in report.values() {
                assert!(pyrogen_metrics::meaning(name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn one_text_has_no_self_bleu_and_the_rest_is_given() {
        let one = Text::new(["a single text"]);
        let mut failed = Vec::new();
        let reports = texts(&one, &one, None, &mut failed);
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].metric, "self-bleu");
        assert_eq!(value(&reports, "distinct_1"), 1.0);
    }
}

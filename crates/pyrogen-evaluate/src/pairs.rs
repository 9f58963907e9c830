//! What a model makes of sources, beside their targets.

use std::sync::Arc;

use pyrogen_core::Seed;
use pyrogen_data::{Data, Pairs};
use pyrogen_metrics::MetricReport;
use pyrogen_metrics::text::{
    Bleu, Chrf, Corpus, EditRate, EditUnit, ExactMatch, SegmentMetric, TextError,
};
use pyrogen_model::{Complete, Control, Error, ErrorKind, Given, Request};
use serde_json::Value;

use crate::FailedMetric;

/// Each source once, with all its targets.
struct Grouped {
    sources: Vec<Arc<str>>,
    targets: Vec<Vec<Arc<str>>>,
}

impl Grouped {
    fn of(pairs: &Pairs) -> Self {
        let mut out = Self { sources: Vec::new(), targets: Vec::new() };
        let sides = pairs.sources().iter().zip(pairs.targets());
        for ((source, target), group) in sides.zip(pairs.groups()) {
            if group == out.sources.len() {
                out.sources.push(source.clone());
                out.targets.push(Vec::new());
            }
            out.targets[group].push(target.clone());
        }
        out
    }

    /// Stream `k` has the `k`-th target of each source that has as many.
    fn streams(&self) -> Vec<Vec<Option<&str>>> {
        let most = self.targets.iter().map(Vec::len).max().unwrap_or(0);
        let stream =
            |k: usize| self.targets.iter().map(|t| t.get(k).map(|target| &**target)).collect();
        (0..most).map(stream).collect()
    }
}

/// Reports on what a model writes under its default options for each source: exact matches, edits of
/// words and of characters, BLEU, chrF. All targets of a source are references. What the model cannot
/// read of a source is left out, where it can.
pub(crate) fn pairs(
    complete: &dyn Complete,
    real: &Pairs,
    seed: Seed,
    failed: &mut Vec<FailedMetric>,
    control: &Control,
) -> Result<Vec<MetricReport>, Error> {
    let real = Grouped::of(real);
    let mut request = Request::seed(seed.0);
    for (name, value) in [("unknown", "skip"), ("long", "cut")] {
        if complete.options().iter().any(|option| option.name == name) {
            request = request.set(name, Value::from(value));
        }
    }
    let given = Pairs::new(real.sources.iter().map(|source| (source.clone(), "")));
    let count = real.sources.len() as u64;
    let made = complete.complete(&Given::new(Data::Pairs(given)), 0..count, &request, control)?;
    let Data::Pairs(made) = made else {
        let message = format!("sources were completed to {}", made.modality());
        return Err(Error::other(ErrorKind::Data, message));
    };
    let streams = real.streams();
    let written: Vec<&str> = made.targets().iter().map(|target| &**target).collect();
    let corpus = match Corpus::with_missing(&written, &streams) {
        Ok(corpus) => corpus,
        Err(e) => {
            failed.push(FailedMetric { metric: "targets".into(), reason: e.to_string() });
            return Ok(Vec::new());
        }
    };
    let mut reports = Vec::new();
    let mut keep = |metric: &str, report: Result<MetricReport, TextError>| match report {
        Ok(report) => reports.push(report),
        Err(e) => failed.push(FailedMetric { metric: metric.into(), reason: e.to_string() }),
    };
    keep("exact-match", ExactMatch {}.evaluate(&corpus));
    for unit in [EditUnit::Words, EditUnit::Characters] {
        let rate = EditRate { unit };
        keep(rate.name(), rate.evaluate(&corpus));
    }
    keep("bleu", Bleu::default().evaluate(&corpus));
    keep("chrf", Chrf::default().evaluate(&corpus));
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    /// Says every source in capitals.
    struct Louder;

    impl Complete for Louder {
        fn complete(
            &self,
            given: &Given,
            items: Range<u64>,
            request: &Request,
            _: &Control,
        ) -> Result<Data, Error> {
            assert!(request.options.is_empty(), "an option that it does not know");
            let Data::Pairs(pairs) = &given.items else { panic!("pairs") };
            assert_eq!(items, 0..pairs.sources().len() as u64);
            let loud = |source: &Arc<str>| (source.clone(), source.to_uppercase());
            Ok(Data::Pairs(Pairs::new(pairs.sources().iter().map(loud))))
        }
    }

    #[test]
    fn each_source_is_written_once_and_compared_with_all_its_targets() {
        // "a b" has three targets, far from each other; one of them is right. "c d" is half right.
        let real = Pairs::new([("a b", "X"), ("c d", "C E"), ("a b", "A B"), ("a b", "A B C")]);
        let mut failed = Vec::new();
        let reports = pairs(&Louder, &real, Seed(1), &mut failed, &Control::new()).unwrap();
        assert!(failed.is_empty(), "{failed:?}");
        let value = |name: &str| reports.iter().find_map(|r| r.get(name)).unwrap();
        assert_eq!(value("exact_match"), 50.0);
        assert_eq!(value("wer"), 25.0);
        assert!((value("cer") - 100.0 / 6.0).abs() < 1e-12);
        for report in &reports {
            assert!(report.signature().to_string().contains("nrefs:var"), "{report:?}");
            for (name, _) in report.values() {
                assert!(pyrogen_metrics::meaning(name).is_some(), "{name}");
            }
        }
    }
}

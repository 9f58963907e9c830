//! Metrics of texts, on files that both sides read.

use std::path::PathBuf;

use pyrogen::metrics::MetricReport;
use pyrogen::metrics::text::{Bleu, Chrf, Corpus, Rouge, SegmentMetric, Ter, TextError};

use crate::workload::{Plan, Size, Workload};

/// Environment variables that name the files with hypotheses and references; `peers/text.py` sets them.
pub const FILES: [&str; 2] = ["PYROGEN_BENCH_HYP", "PYROGEN_BENCH_REF"];

struct Scored<M> {
    metric: M,
    hypotheses: Vec<String>,
    references: Vec<String>,
}

/// BLEU of the files.
pub fn bleu(plan: Plan) -> Box<dyn Workload> {
    build(plan, Bleu::default())
}

/// chrF of the files.
pub fn chrf(plan: Plan) -> Box<dyn Workload> {
    build(plan, Chrf::default())
}

/// TER of the files.
pub fn ter(plan: Plan) -> Box<dyn Workload> {
    build(plan, Ter::default())
}

/// ROUGE-1, -2, -L and -Lsum of the files.
pub fn rouge(plan: Plan) -> Box<dyn Workload> {
    build(plan, Rouge::default())
}

fn build<M: SegmentMetric + 'static>(plan: Plan, metric: M) -> Box<dyn Workload> {
    let [hypotheses, references] = match plan.size {
        Size::Full => FILES.map(lines),
        Size::Tiny => [vec!["a cat sat".to_string()], vec!["the cat sat down".to_string()]],
    };
    Box::new(Scored { metric, hypotheses, references })
}

fn lines(variable: &str) -> Vec<String> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    let path = path.unwrap_or_else(|| panic!("{variable} names no file; run peers/text.py"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().map(str::to_string).collect()
}

impl<M: SegmentMetric> Scored<M> {
    fn report(&self) -> Result<MetricReport, TextError> {
        let references = [self.references.as_slice()];
        self.metric.evaluate(&Corpus::new(&self.hypotheses, &references)?)
    }
}

impl<M: SegmentMetric> Workload for Scored<M> {
    fn run(&mut self) -> f64 {
        let report = self.report().expect("as many references as hypotheses");
        report.values().next().expect("at least one value").1
    }
}

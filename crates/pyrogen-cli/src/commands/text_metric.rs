//! `pyrogen metric`: metrics of texts; those of features are in `metric.rs`.

use std::path::Path;

use pyrogen::core::folder::write_file;
use pyrogen::core::{Noise, Seed};
use pyrogen::metrics::text::{
    Bleu, Chrf, Corpus, Distinct, EditRate, EditUnit, ExactMatch, MauveOptions, Meteor, PairedTest,
    Rouge, SegmentMetric, SegmentStatistics, SignatureForm, Smoothing, Ter, TextError,
    TextSignature, bootstrap, mauve, paired, self_bleu,
};
use pyrogen::metrics::{Metric, MetricReport};
use serde_json::{Value, json};

use crate::args::{
    BleuArgs, BleuOptions, DistinctArgs, EditArgs, JsonArg, MauveArgs, MetricCommand, Segments,
    SelfBleuArgs, SmoothName, TestName, TextMetric, text_metrics,
};
use crate::commands::metric::{self, Pair, pair};
use crate::error::CliError;
use crate::lines::Lines;
use crate::output::{expect_ending, make_parent, print_json, print_line};

impl From<TextError> for CliError {
    fn from(e: TextError) -> Self {
        match e {
            TextError::Option { .. } => Self::Usage(e.to_string()),
            _ => Self::Failed(e.to_string()),
        }
    }
}

/// Scores texts, or compares two files of samples or features.
pub fn run(args: MetricCommand) -> Result<(), CliError> {
    let Some(text) = args.text else {
        let args = args.features;
        let name = args.name.clone().unwrap_or_default();
        let known = Metric::names().contains(&name.as_str());
        return if known { metric::run(args) } else { Err(unknown(&name)) };
    };
    match text {
        TextMetric::Bleu(args) => bleu_of(&args),
        TextMetric::Chrf(args) => {
            let chrf = Chrf {
                char_order: args.char_order,
                word_order: args.word_order,
                beta: args.beta,
                lowercase: args.lowercase,
                whitespace: args.whitespace,
                eps_smoothing: args.eps_smoothing,
            };
            let variant = chrf.variant();
            segments(&args.segments, &chrf, &chrf, |_| Some(format!("variant: {variant}")))
        }
        TextMetric::Ter(args) => {
            let ter = Ter {
                normalized: args.normalized,
                no_punct: args.no_punct,
                asian_support: args.asian_support,
                case_sensitive: args.case_sensitive,
            };
            segments(&args.segments, &ter, &ter, |_| None)
        }
        TextMetric::Wer(args) => edits(&args, EditUnit::Words),
        TextMetric::Cer(args) => edits(&args, EditUnit::Characters),
        TextMetric::ExactMatch(args) => {
            segments(&args.segments, &ExactMatch {}, &ExactMatch {}, |_| None)
        }
        TextMetric::Rouge(args) => {
            let (tokenizer, stem) = (args.tokenize.into(), args.stem);
            let rouge = Rouge { tokenizer, stem, sentence_break: args.sentence_break };
            segments(&args.segments, &rouge, &rouge, |_| None)
        }
        TextMetric::Meteor(args) => {
            let (alpha, beta, gamma) = (args.alpha, args.beta, args.gamma);
            let meteor = Meteor { tokenizer: args.tokenize.into(), alpha, beta, gamma };
            segments(&args.segments, &meteor, &meteor, |_| None)
        }
        TextMetric::Distinct(args) => distinct(&args),
        TextMetric::SelfBleu(args) => self_bleu_of(&args),
        TextMetric::Mauve(args) => mauve_of(&args),
    }
}

fn edits(args: &EditArgs, unit: EditUnit) -> Result<(), CliError> {
    let rate = EditRate { unit };
    segments(&args.segments, &rate, &rate, |_| None)
}

fn bleu_of(args: &BleuArgs) -> Result<(), CliError> {
    let bleu = Bleu { effective_order: args.effective_order, ..bleu(&args.options)? };
    // A line can be too short for the longest n-grams.
    let of_lines = Bleu { effective_order: true, ..bleu.clone() };
    segments(&args.segments, &bleu, &of_lines, |totals| {
        let score = bleu.of_totals(totals);
        let precisions: Vec<String> = score.precisions.iter().map(|p| format!("{p:.1}")).collect();
        Some(format!(
            "precisions: {}\nbrevity penalty: {:.3} (lengths: {} of hypotheses, {} of references)",
            precisions.join("/"),
            score.brevity_penalty,
            score.hypothesis_length,
            score.reference_length
        ))
    })
}

fn unknown(name: &str) -> CliError {
    let mut known: Vec<String> = Metric::names().iter().map(|n| n.to_string()).collect();
    known.extend(text_metrics().into_iter().filter(|n| n != "help"));
    CliError::Usage(format!("unknown metric `{name}`; known: {}", known.join(", ")))
}

fn bleu(options: &BleuOptions) -> Result<Bleu, CliError> {
    let smoothing = match (options.smooth, options.smooth_value) {
        (SmoothName::Exp, None) => Smoothing::Exp,
        (SmoothName::None, None) => Smoothing::None,
        (SmoothName::Floor, value) => Smoothing::Floor(value.unwrap_or(Smoothing::FLOOR)),
        (SmoothName::AddK, value) => Smoothing::AddK(value.unwrap_or(Smoothing::ADD_K)),
        (SmoothName::Exp | SmoothName::None, Some(_)) => {
            let says = "--smooth-value is for --smooth floor and --smooth add-k";
            return Err(CliError::Usage(says.to_string()));
        }
    };
    Ok(Bleu {
        tokenizer: options.tokenize.into(),
        smoothing,
        lowercase: options.lowercase,
        max_order: options.max_order,
        ..Bleu::default()
    })
}

/// A metric of hypotheses and references: its report, with interval and test where asked for.
fn segments<M: SegmentMetric>(
    args: &Segments,
    metric: &M,
    of_lines: &M,
    detail: impl Fn(&[f64]) -> Option<String>,
) -> Result<(), CliError> {
    metric.validate()?;
    if let Some(out) = &args.out {
        expect_ending(out, &["csv"])?;
    }
    let hypotheses = Lines::read(&args.hyp)?;
    let mut references = Vec::new();
    for path in &args.refs {
        let lines = Lines::read(path)?;
        lines.as_many_as(&hypotheses)?;
        references.push(lines);
    }
    let streams: Vec<Vec<&str>> = references.iter().map(Lines::segments).collect();
    let own = hypotheses.segments();
    let corpus = Corpus::new(&own, &streams)?;
    let statistics = SegmentStatistics::of(metric, &corpus)?;
    let totals = statistics.totals();
    let noise = Noise::new(Seed(args.seed));

    let names = metric.value_names();
    let mut values: Vec<(String, f64)> =
        names.iter().map(|n| n.to_string()).zip(metric.values(&totals)).collect();
    let resamples = args.confidence.map(|n| n as usize);
    if let Some(resamples) = resamples {
        for (name, i) in names.iter().zip(bootstrap(metric, &statistics, resamples, &noise)) {
            let parts = [("mean", i.mean), ("low", i.low), ("high", i.high)];
            values.extend(parts.map(|(part, value)| (format!("{name}_{part}"), value)));
        }
    }
    let test = test(args);
    if let Some((path, test)) = args.baseline.as_ref().zip(test) {
        let lines = Lines::read(path)?;
        lines.as_many_as(&hypotheses)?;
        let baseline = lines.segments();
        let baseline = SegmentStatistics::of(metric, &Corpus::new(&baseline, &streams)?)?;
        for (name, c) in names.iter().zip(paired(metric, &baseline, &statistics, test, &noise)?) {
            let parts = [("baseline", c.baseline), ("p", c.p_value)];
            values.extend(parts.map(|(part, value)| (format!("{name}_{part}"), value)));
        }
    }
    if let Some(out) = &args.out {
        write_lines(out, of_lines, &corpus)?;
    }
    let signature = metric.signature(corpus.reference_count());
    let signature = with_resampling(signature, resamples, test, Seed(args.seed));
    let details = if args.json.json { None } else { detail(&totals) };
    print_report(&args.json, &values, &signature, details)
}

fn test(args: &Segments) -> Option<PairedTest> {
    args.baseline.as_ref()?;
    let trials = |standard| args.trials.map_or(standard, |n| n as usize);
    Some(match args.test {
        TestName::Bootstrap => PairedTest::Bootstrap { resamples: trials(1000) },
        TestName::Randomisation => PairedTest::Randomisation { trials: trials(10_000) },
    })
}

fn with_resampling(
    signature: TextSignature,
    resamples: Option<usize>,
    test: Option<PairedTest>,
    seed: Seed,
) -> TextSignature {
    let (bootstrap, randomisation) = match test {
        None => (resamples, None),
        // One field for both, as sacreBLEU has it: that of the test.
        Some(PairedTest::Bootstrap { resamples }) => (Some(resamples), None),
        Some(PairedTest::Randomisation { trials }) => (resamples, Some(trials)),
        Some(_) => (resamples, None),
    };
    if bootstrap.is_none() && randomisation.is_none() {
        return signature;
    }
    signature.with_resampling(bootstrap, randomisation, seed)
}

/// The values of each line, a row a line.
fn write_lines<M: SegmentMetric>(out: &Path, metric: &M, corpus: &Corpus) -> Result<(), CliError> {
    let rows = metric.evaluate_segments(corpus)?;
    make_parent(out)?;
    let mut text = format!("line,{}\n", metric.value_names().join(","));
    for (i, row) in rows.iter().enumerate() {
        let values: Vec<String> = row.iter().map(f64::to_string).collect();
        text.push_str(&format!("{},{}\n", i + 1, values.join(",")));
    }
    Ok(write_file(out, text.as_bytes())?)
}

fn print_report(
    form: &JsonArg,
    values: &[(String, f64)],
    signature: &TextSignature,
    details: Option<String>,
) -> Result<(), CliError> {
    let named: Vec<(&str, f64)> = values.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    let report = MetricReport::new(signature.signature(), &named);
    let sacrebleu = signature.sacrebleu(SignatureForm::Short);
    if form.json {
        let mut object = json!(report);
        if let (Some(fields), Some(text)) = (object.as_object_mut(), sacrebleu) {
            fields.insert("sacrebleu".to_string(), Value::String(text));
        }
        return print_json(&object);
    }
    for (name, value) in report.values() {
        print_line(&format!("{name}: {value}"))?;
    }
    if let Some(details) = details {
        print_line(&details)?;
    }
    print_line(&format!("signature: {}", report.signature()))?;
    match sacrebleu {
        Some(text) => print_line(&format!("sacrebleu: {text}")),
        None => Ok(()),
    }
}

fn distinct(args: &DistinctArgs) -> Result<(), CliError> {
    let lines = Lines::read(&args.hyp)?;
    let distinct = Distinct {
        tokenizer: args.tokenize.into(),
        lowercase: args.lowercase,
        max_order: args.max_order,
    };
    let texts = lines.segments();
    let shares = distinct.of(&texts)?;
    let values: Vec<(String, f64)> = distinct.value_names().into_iter().zip(shares).collect();
    print_report(&args.json, &values, &distinct.signature(texts.len()), None)
}

fn self_bleu_of(args: &SelfBleuArgs) -> Result<(), CliError> {
    let bleu = Bleu { effective_order: true, ..bleu(&args.options)? };
    bleu.validate()?;
    let lines = Lines::read(&args.hyp)?;
    let texts = lines.segments();
    let value = self_bleu(&texts, &bleu)?;
    let signature = TextSignature::of_self_bleu(&bleu, texts.len());
    print_report(&args.json, &[("self-bleu".to_string(), value)], &signature, None)
}

fn mauve_of(args: &MauveArgs) -> Result<(), CliError> {
    let options =
        MauveOptions { clusters: args.clusters, scaling: args.scaling, ..MauveOptions::default() };
    options.validate()?;
    let Pair { real, generated, hash } = pair(&args.real, &args.generated)?;
    let seed = Seed(args.seed);
    let value = mauve(&real, &generated, &options, &Noise::new(seed))?;
    let report = value.report(&real, &generated, &options, seed).of_data(&hash);
    if args.json.json {
        return print_json(&report);
    }
    for (name, value) in report.values() {
        print_line(&format!("{name}: {value}"))?;
    }
    print_line(&format!("signature: {}", report.signature()))
}

//! The signature of a text metric, in this crate's form and in sacreBLEU's.

use std::fmt::Display;

use crate::Signature;

/// What a text metric was computed from.
///
/// [`signature`](Self::signature) is this crate's, with everything that changes the number.
/// [`sacrebleu`](Self::sacrebleu) has the fields of sacreBLEU's signature, character by character and
/// in its order. Its last field there is sacreBLEU's version, which did not compute this number; so it
/// says `pyrogen-` and this crate's version.
///
/// ```
/// use pyrogen_metrics::text::{Bleu, ReferenceCount, SegmentMetric, SignatureForm};
///
/// let signature = Bleu::default().signature(ReferenceCount::Fixed(1));
/// let version = env!("CARGO_PKG_VERSION");
/// assert_eq!(
///     signature.sacrebleu(SignatureForm::Short).unwrap(),
///     format!("#:1|c:mixed|e:no|tok:13a|s:exp|v:pyrogen-{version}")
/// );
/// assert_eq!(
///     signature.signature().to_string(),
///     format!("bleu|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|order:4|version:{version}")
/// );
/// ```
///
/// # References
/// Post (2018), "A Call for Clarity in Reporting BLEU Scores".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextSignature {
    metric: &'static str,
    in_sacrebleu: bool,
    fields: Vec<Field>,
}

/// The two forms of sacreBLEU's signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureForm {
    /// `#:1|c:mixed|e:no|tok:13a|s:exp|v:..`
    Short,
    /// `nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:..`
    Long,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    long: &'static str,
    /// None where sacreBLEU's signature does not have the field.
    short: Option<&'static str>,
    value: String,
}

impl TextSignature {
    /// A signature of a metric that sacreBLEU has.
    pub(crate) fn of_sacrebleu(metric: &'static str) -> Self {
        Self { metric, in_sacrebleu: true, fields: Vec::new() }
    }

    /// A signature of another metric.
    pub(crate) fn of(metric: &'static str) -> Self {
        Self { metric, in_sacrebleu: false, fields: Vec::new() }
    }

    /// The signature of [`self_bleu`](super::self_bleu) of this many texts.
    pub fn of_self_bleu(bleu: &super::Bleu, texts: usize) -> Self {
        use super::{ReferenceCount, SegmentMetric};
        let bleu = bleu.signature(ReferenceCount::Fixed(texts.saturating_sub(1)));
        Self { metric: "self-bleu", in_sacrebleu: false, ..bleu }
    }

    /// Adds a field that sacreBLEU has, with its short name there.
    pub(crate) fn shared(
        mut self,
        long: &'static str,
        short: &'static str,
        value: impl Display,
    ) -> Self {
        self.fields.push(Field { long, short: Some(short), value: value.to_string() });
        self
    }

    /// Adds a field that sacreBLEU leaves out.
    pub(crate) fn own(mut self, long: &'static str, value: impl Display) -> Self {
        self.fields.push(Field { long, short: None, value: value.to_string() });
        self
    }

    /// With the number of bootstrap resamples, of trials of approximate randomisation, and the seed,
    /// where sacreBLEU has them: after the number of references.
    #[must_use]
    pub fn with_resampling(
        mut self,
        bootstrap: Option<usize>,
        randomisation: Option<usize>,
        seed: pyrogen_core::Seed,
    ) -> Self {
        let mut at = usize::from(self.fields.first().is_some_and(|f| f.long == "nrefs"));
        let mut put = |long, short, value: String| {
            self.fields.insert(at, Field { long, short: Some(short), value });
            at += 1;
        };
        if let Some(count) = bootstrap {
            put("bs", "bs", count.to_string());
        }
        if let Some(count) = randomisation {
            put("ar", "ar", count.to_string());
        }
        put("seed", "rs", seed.to_string());
        self
    }

    /// In this crate's form.
    pub fn signature(&self) -> Signature {
        let start = Signature::new(self.metric);
        self.fields.iter().fold(start, |s, f| s.with(f.long, &f.value)).with_version()
    }

    /// In sacreBLEU's form; none where sacreBLEU does not have the metric.
    pub fn sacrebleu(&self, form: SignatureForm) -> Option<String> {
        if !self.in_sacrebleu {
            return None;
        }
        let name = |f: &Field| match form {
            SignatureForm::Short => f.short,
            SignatureForm::Long => f.short.map(|_| f.long),
        };
        let mut fields: Vec<String> = Vec::new();
        fields.extend(
            self.fields.iter().filter_map(|f| name(f).map(|name| format!("{name}:{}", f.value))),
        );
        let version = match form {
            SignatureForm::Short => "v",
            SignatureForm::Long => "version",
        };
        fields.push(format!("{version}:pyrogen-{}", env!("CARGO_PKG_VERSION")));
        Some(fields.join("|"))
    }
}

/// `yes` or `no`, as sacreBLEU writes a choice.
pub(crate) fn yes(choice: bool) -> &'static str {
    if choice { "yes" } else { "no" }
}

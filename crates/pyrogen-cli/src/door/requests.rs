//! What is asked of a model: conditions, options, what is known.

use pyrogen::core::FolderError;
use pyrogen::data::{Data, Modality, PictureContext, Table, Text};
use pyrogen::{Model, Request};
use serde_json::Value;

use super::{Pictures, in_levels, part, read};
use crate::args::{ContextArg, EvidenceArgs, PartName, SamplerArgs, TextArgs};
use crate::error::CliError;

/// Where the conditions of items come from.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Contexts themselves.
    pub context: Option<Data>,
    /// Items whose contexts and classes are the condition.
    pub like: Option<Data>,
}

impl Conditions {
    /// Of `--context`: a picture file is the context itself, data is what contexts are made from as
    /// in training (or holds contexts themselves, which are known by their size).
    pub fn of(model: &Model, from: Option<&Pictures>) -> Result<Self, CliError> {
        let Some(from) = from else { return Ok(Self::default()) };
        let Some(context) = &model.about().context else {
            let what = "--context is for models that were trained with one";
            return Err(CliError::Usage(what.into()));
        };
        if model.about().modality != Modality::Pictures {
            return Ok(Self { context: None, like: Some(from.load()?.data) });
        }
        let context: PictureContext = context.parse().map_err(CliError::from)?;
        let event = model.layout().map(|l| l.event.clone()).unwrap_or_default();
        let (data, given) = (from.load()?, context.given_shape(&event)?);
        let shape = data.data.raw_rows().map(|r| r.event_shape().to_vec()).unwrap_or_default();
        if shape == given && (matches!(from, Pictures::File(_)) || given != event) {
            return Ok(Self { context: Some(data.data), like: None });
        }
        if shape != event {
            return Err(CliError::Failed(format!(
                "the model takes the context `{context}`: give pictures of shape {given:?}, which \
                 are that, or of shape {event:?}, to make it from; these have {shape:?}"
            )));
        }
        let items = part(model, in_levels(model, data)?, PartName::HeldOut)?;
        Ok(Self { context: None, like: Some(items) })
    }

    /// The first conditions, at most `limit`.
    pub fn first(self, limit: usize) -> Self {
        let first = |data: Data| {
            let rows: Vec<usize> = (0..data.len().min(limit)).collect();
            data.select(&rows)
        };
        Self { context: self.context.map(first), like: self.like.map(first) }
    }

    /// Number of conditions.
    pub fn len(&self) -> usize {
        self.context.as_ref().or(self.like.as_ref()).map_or(0, Data::len)
    }

    /// A request under these conditions.
    pub fn request(&self, seed: u64, class: Option<&str>) -> Request {
        let mut request = Request::seed(seed);
        request.class = class.map(str::to_string);
        request.context = self.context.clone();
        request.like = self.like.clone();
        request
    }
}

/// A request with the condition that is asked for.
pub fn request(
    model: &Model,
    seed: u64,
    class: Option<&str>,
    context: &ContextArg,
) -> Result<Request, CliError> {
    if let (Some(known), None) = (&model.about().context, &context.context) {
        let how = match model.about().modality {
            Modality::Pictures => "--context PICTURE|SOURCE",
            _ => "--given COLUMN=VALUE, or --context SOURCE with rows of them",
        };
        return Err(CliError::Usage(format!(
            "the model takes a context with each example ({known}): give {how}"
        )));
    }
    Ok(Conditions::of(model, context.context.as_ref())?.request(seed, class))
}

/// The options of a sampler, as far as they are given.
pub fn sampler_options(mut request: Request, args: &SamplerArgs) -> Result<Request, CliError> {
    if let Some(steps) = args.steps {
        request = request.set("steps", steps);
    }
    if let Some(sampler) = &args.sampler {
        request = request.set("sampler", sampler.as_str());
    }
    if let Some(guidance) = args.guidance {
        if !guidance.is_finite() {
            return Err(CliError::Usage(format!("--guidance must be a number, got {guidance}")));
        }
        request = request.set("guidance", guidance);
    }
    if let Some(spacing) = &args.spacing {
        request = request.set("spacing", spacing.as_str());
    }
    if let Some(eta) = args.eta {
        request = request.set("eta", eta);
    }
    if let Some(interval) = &args.guidance_interval {
        request = request.set("guidance_interval", interval.clone());
    }
    set_options(request, &args.option)
}

/// Options by name.
pub fn set_options(mut request: Request, options: &[String]) -> Result<Request, CliError> {
    for option in options {
        let (name, value) = pair("--option", "NAME=VALUE", option)?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        request = request.set(name, value);
    }
    Ok(request)
}

fn pair<'a>(option: &str, form: &str, text: &'a str) -> Result<(&'a str, &'a str), CliError> {
    let parts = text.split_once('=').map(|(name, value)| (name.trim(), value));
    parts.ok_or_else(|| CliError::Usage(format!("{option} must be {form}, got `{text}`")))
}

/// The options of text, as far as they are given.
///
/// # Errors
/// The file of a schema or grammar that cannot be read.
pub fn text_options(mut request: Request, args: &TextArgs) -> Result<Request, CliError> {
    let counts = [("max_tokens", args.max_tokens), ("top_k", args.top_k)];
    for (name, count) in counts {
        if let Some(count) = count {
            request = request.set(name, count);
        }
    }
    for (name, share) in [("top_p", args.top_p), ("min_p", args.min_p)] {
        if let Some(share) = share {
            request = request.set(name, share);
        }
    }
    if !args.stop.is_empty() {
        let plain = |text: &String| text.replace("\\n", "\n").replace("\\t", "\t");
        request = request.set("stop", args.stop.iter().map(plain).collect::<Vec<_>>());
    }
    if let Some(suffix) = &args.suffix {
        request = request.set("suffix", suffix.as_str());
    }
    if let Some(regex) = &args.regex {
        request = request.set("regex", regex.as_str());
    }
    for (name, file) in [("schema", &args.schema), ("grammar", &args.grammar)] {
        if let Some(file) = file {
            let text = std::fs::read_to_string(file).map_err(FolderError::io(file, "read"))?;
            request = request.set(name, text);
        }
    }
    if let Some(draft) = &args.draft {
        request = request.set("draft", draft.to_string_lossy());
    }
    Ok(request)
}

/// Items of which a part is known: of data, of named cells, or of a prompt.
pub fn evidence(model: &Model, args: &EvidenceArgs) -> Result<Data, CliError> {
    if let Some(source) = &args.data {
        return part(model, read(source)?, args.part);
    }
    if let Some(prompt) = &args.prompt {
        return Ok(Data::Text(Text::new([prompt.as_str()])));
    }
    if args.given.is_empty() {
        let what = "what is known? give --data SOURCE, --given COLUMN=VALUE or --prompt TEXT";
        return Err(CliError::Usage(what.into()));
    }
    given_row(model, &args.given)
}

/// A row of which some cells are known, as `COLUMN=VALUE`.
fn given_row(model: &Model, given: &[String]) -> Result<Data, CliError> {
    let pairs = given.iter().map(|text| pair("--given", "COLUMN=VALUE", text));
    let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
    let layout = model.layout().ok_or_else(|| {
        let modality = model.about().modality;
        CliError::Usage(format!("--given is for tables; the model is of {modality}"))
    })?;
    Ok(Data::Table(Table::partial(layout, &pairs)?))
}

/// A request given some cells of a row.
pub fn request_given(
    model: &Model,
    seed: u64,
    class: Option<&str>,
    given: &[String],
) -> Result<Request, CliError> {
    if model.about().context.is_none() {
        let what = "--given is for tables that were trained with conditions; `complete` fills in rows \
                    of which any cells are known";
        return Err(CliError::Usage(what.into()));
    }
    let like = Some(given_row(model, given)?);
    Ok(Conditions { context: None, like }.request(seed, class))
}

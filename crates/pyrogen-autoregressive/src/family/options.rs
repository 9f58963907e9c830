//! Options of writing, as requests have them.

use std::collections::BTreeMap;

use pyrogen_core::config;
use pyrogen_model::{Error, ErrorKind, OptionSpec, Options};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::sampling::{Chain, Dry, Mirostat, Step};
use crate::{Constraint, DecodeSettings, Overflow, Tokenizer};

/// Steps of the chain in the order that they have where none is given.
const ORDER: [&str; 13] = [
    "logit_bias",
    "repetition_penalty",
    "frequency_penalty",
    "presence_penalty",
    "dry",
    "no_repeat_ngram",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "eta",
    "mirostat",
];

/// The options of writing.
pub(super) fn specs() -> Vec<OptionSpec> {
    let none = Value::Null;
    let off = |name, about| OptionSpec::new(name, none.clone(), about);
    vec![
        OptionSpec::new("max_tokens", 256, "the most tokens that are written"),
        OptionSpec::new("min_tokens", 0, "the fewest"),
        OptionSpec::new(
            "temperature",
            1.0,
            "below 1 bolder on what is probable; 0 always takes it",
        ),
        off("top_k", "only the so many most probable tokens"),
        off("top_p", "only the fewest tokens that have this probability"),
        off("min_p", "only tokens of this share of the largest probability"),
        off("typical_p", "only tokens of a typical surprise, up to this probability"),
        off("eta", "only tokens above a threshold that falls with the entropy"),
        off("repetition_penalty", "above 1 makes tokens that were there less probable"),
        off("frequency_penalty", "so much off a token's logit for each time that it was there"),
        off("presence_penalty", "so much off a token's logit where it was there"),
        off("no_repeat_ngram", "no run of so many tokens twice"),
        off("logit_bias", "numbers added to logits: {\"token\": number}"),
        off("dry", "a penalty on long repetitions: its multiplier, or all its numbers"),
        off("mirostat", "a surprise in bits that is held: tau, or {\"tau\": .., \"eta\": ..}"),
        off("order", "the order of these steps: a list of their names"),
        off("stop", "a text, or a list of texts, at which writing stops"),
        off("stop_tokens", "tokens at which writing stops: a list of numbers"),
        OptionSpec::new("overflow", "slide", "where the text grows beyond the model's context")
            .one_of(["slide", "refuse"]),
        off("suffix", "what stands behind the text, of a model that was trained with infill"),
        off("regex", "an expression that every text matches whole, behind the prompt"),
        off("schema", "a JSON schema that every text satisfies, behind the prompt"),
        off("grammar", "a grammar in Lark's notation that writes every text, behind the prompt"),
        OptionSpec::new(
            "constraint_depth",
            3,
            "how deep values of a schema and rules of a grammar stand within themselves",
        ),
        OptionSpec::new("echo", true, "whether the text begins with the prompt"),
    ]
}

/// The settings that options ask for.
///
/// # Errors
/// An option that cannot be used.
pub(super) fn settings(options: &Options, tokenizer: &Tokenizer) -> Result<DecodeSettings, Error> {
    let order: Vec<String> =
        read(options, "order")?.unwrap_or_else(|| ORDER.iter().map(ToString::to_string).collect());
    let mut steps = Vec::new();
    for name in &order {
        if !ORDER.contains(&name.as_str()) {
            let expected = format!("a list of names out of {}", ORDER.join(", "));
            return Err(Error::option("order", expected, name));
        }
        steps.extend(step(name, options, tokenizer)?);
    }
    if let Some(left_out) = ORDER.iter().find(|name| {
        let given = !options.get(name).is_null() && **name != "temperature";
        given && !order.iter().any(|o| o == *name)
    }) {
        return Err(Error::option("order", format!("a list that names {left_out}"), json!(order)));
    }
    let stop = match options.get("stop") {
        Value::String(text) => vec![text.clone()],
        _ => read(options, "stop")?.unwrap_or_default(),
    };
    let overflow = match options.text("overflow")? {
        Some("refuse") => Overflow::Refuse,
        _ => Overflow::Slide,
    };
    Ok(DecodeSettings {
        chain: Chain(steps),
        most: options.count("max_tokens")?.unwrap_or(256),
        least: whole(options, "min_tokens")?,
        stop,
        stop_tokens: read(options, "stop_tokens")?.unwrap_or_default(),
        overflow,
        suffix: options.text("suffix")?.map(String::from),
        constraint: constraint(options)?,
    })
}

/// A number of 0 or more.
fn whole(options: &Options, name: &str) -> Result<usize, Error> {
    let value = options.get(name);
    let number = value.as_u64().and_then(|n| usize::try_from(n).ok());
    number.ok_or_else(|| Error::option(name, "a whole number", value))
}

/// The constraint that is asked for.
fn constraint(options: &Options) -> Result<Option<Constraint>, Error> {
    let forms = ["regex", "schema", "grammar"];
    let mut given = forms.into_iter().filter(|name| !options.get(name).is_null());
    let Some(form) = given.next() else { return Ok(None) };
    if let Some(other) = given.next() {
        let expected = format!("left out beside `{form}`");
        return Err(Error::option(other, expected, options.get(other)));
    }
    let depth = whole(options, "constraint_depth")?;
    let made = match (form, options.get(form)) {
        // A schema may stand in a request as it is.
        ("schema", Value::String(schema)) => Constraint::json_schema(schema, depth),
        ("schema", schema) => Constraint::json_schema(&schema.to_string(), depth),
        ("grammar", _) => Constraint::grammar(options.text(form)?.unwrap_or_default(), depth),
        _ => Constraint::regex(options.text(form)?.unwrap_or_default()),
    };
    made.map(Some).map_err(|e| Error::other(ErrorKind::Request, e))
}

/// An option that is a step of the chain, where it is given.
fn step(name: &str, options: &Options, tokenizer: &Tokenizer) -> Result<Option<Step>, Error> {
    let number = || -> Result<f64, Error> { options.number(name) };
    let count = || -> Result<usize, Error> {
        options.count(name)?.ok_or_else(|| Error::option(name, "a whole number", "null"))
    };
    let value = options.get(name);
    if value.is_null() {
        return Ok(None);
    }
    Ok(Some(match name {
        "temperature" if value.as_f64() == Some(1.0) => return Ok(None),
        "temperature" => Step::Temperature(number()?),
        "top_k" => Step::TopK(count()?),
        "top_p" => Step::TopP(number()?),
        "min_p" => Step::MinP(number()?),
        "typical_p" => Step::Typical(number()?),
        "eta" => Step::Eta(number()?),
        "repetition_penalty" => Step::Repetition(number()?),
        "frequency_penalty" => Step::Frequency(number()?),
        "presence_penalty" => Step::Presence(number()?),
        "no_repeat_ngram" => Step::NoRepeat(count()?),
        "logit_bias" => Step::Bias(biases(options, tokenizer)?),
        "dry" => Step::Dry(match value.as_f64() {
            Some(multiplier) => Dry { multiplier, breakers: breakers(tokenizer), ..Dry::default() },
            None => object(options, name)?,
        }),
        _ => Step::Mirostat(match value.as_f64() {
            Some(tau) => Mirostat { tau, ..Mirostat::default() },
            None => object(options, name)?,
        }),
    }))
}

/// The usual tokens that no repetition goes beyond: line break, colon, quote, star.
fn breakers(tokenizer: &Tokenizer) -> std::collections::BTreeSet<u32> {
    let one = |text: &&str| match tokenizer.encode(text).ok()?[..] {
        [token] => Some(token),
        _ => None,
    };
    ["\n", ":", "\"", "*"].iter().filter_map(one).collect()
}

/// Numbers by the text of a token, or by its number where a text is none.
fn biases(options: &Options, tokenizer: &Tokenizer) -> Result<BTreeMap<u32, f64>, Error> {
    let given: BTreeMap<String, f64> = object(options, "logit_bias")?;
    let mut out = BTreeMap::new();
    for (text, bias) in given {
        let tokens = tokenizer.encode(&text).unwrap_or_default();
        let number = text.parse::<u32>().ok().filter(|&t| (t as usize) < tokenizer.tokens());
        let token = match tokens[..] {
            [token] => Some(token),
            _ => number,
        };
        let expected = "texts of one token each, or numbers of tokens";
        let token = token.ok_or_else(|| Error::option("logit_bias", expected, &text))?;
        out.insert(token, bias);
    }
    Ok(out)
}

fn object<T: DeserializeOwned>(options: &Options, name: &str) -> Result<T, Error> {
    let value = options.get(name);
    config::from_value(value.clone()).map_err(|e| Error::option(name, e.to_string(), value))
}

/// A value of a type; None for null.
fn read<T: DeserializeOwned>(options: &Options, name: &str) -> Result<Option<T>, Error> {
    match options.get(name) {
        Value::Null => Ok(None),
        value => serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|e| Error::option(name, format!("a list ({e})"), value)),
    }
}

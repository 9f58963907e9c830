//! `pyrogen query`

use pyrogen::Request;
use pyrogen::model::{Marginal, Registry};
use serde_json::{Map, Value, json};

use crate::args::QueryArgs;
use crate::door::{device, evidence, set_options};
use crate::error::CliError;
use crate::output::{print_json, print_line};
use crate::progress::control;

/// Says how what is missing of items is distributed, given the rest.
pub fn run(registry: &Registry, args: QueryArgs) -> Result<(), CliError> {
    if args.top == 0 {
        return Err(CliError::Usage("--top must be at least 1".into()));
    }
    let model = registry.open(&args.model, &device(args.device.device)?)?;
    if model.can().query.is_none() {
        return Err(model.cannot(pyrogen::model::Ability::Query).into());
    }
    let items = evidence(&model, &args.evidence)?;
    let request = set_options(Request::seed(args.seed), &args.option)?;
    let answers = model.query(&items, &request, &control())?;
    if args.json.json {
        let list: Vec<Value> = answers.iter().map(|item| as_json(item)).collect();
        return print_json(&json!({"n": answers.len(), "items": list}));
    }
    for (i, item) in answers.iter().enumerate() {
        if answers.len() > 1 {
            print_line(&format!("item {i}"))?;
        }
        if item.is_empty() {
            print_line("nothing is missing")?;
        }
        for (name, marginal) in item {
            print_line(&format!("{name}: {}", line(marginal, args.top)))?;
        }
    }
    Ok(())
}

fn as_json(item: &[(String, Marginal)]) -> Value {
    let named = |(name, marginal): &(String, Marginal)| (name.clone(), json!(marginal));
    Value::Object(item.iter().map(named).collect::<Map<_, _>>())
}

/// The most probable values, or the mean with the standard deviation.
fn line(marginal: &Marginal, top: usize) -> String {
    match marginal {
        Marginal::Discrete { values, probabilities } => {
            let mut order: Vec<usize> = (0..values.len()).collect();
            order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
            let shown = order.iter().take(top);
            let one = |&k: &usize| format!("{} {:.4}", visible(&values[k]), probabilities[k]);
            let mut words: Vec<String> = shown.map(one).collect();
            if order.len() > top {
                words.push(format!("{} more", order.len() - top));
            }
            words.join(", ")
        }
        Marginal::Continuous { mean, std } => format!("{mean:.5} ± {std:.5}"),
        Marginal::Drawn { mean, std, quantiles, draws } => {
            let one = |(p, x): &(f64, f64)| format!("{} %: {x:.5}", per_cent(*p));
            let quantiles: Vec<String> = quantiles.iter().map(one).collect();
            format!("{mean:.5} ± {std:.5}; {} ({draws} draws)", quantiles.join(", "))
        }
        other => format!("{other:?}"),
    }
}

/// A probability in per cent, without zeros at its end.
fn per_cent(p: f64) -> String {
    let text = format!("{:.4}", 100.0 * p);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// A value that would not be seen, or would break the line, between quotes.
fn visible(value: &str) -> String {
    let hidden = value.is_empty() || value.trim() != value || value.contains(char::is_control);
    if !hidden { value.to_string() } else { format!("{value:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_probable_first() {
        let values = vec!["a".to_string(), "\n".into(), "two words".into()];
        let marginal = Marginal::Discrete { values, probabilities: vec![0.125, 0.625, 0.25] };
        assert_eq!(line(&marginal, 2), "\"\\n\" 0.6250, two words 0.2500, 1 more");
        let marginal = Marginal::Continuous { mean: 1.5, std: 0.25 };
        assert_eq!(line(&marginal, 2), "1.50000 ± 0.25000");
        let quantiles = vec![(0.025, 1.0), (0.5, 1.5)];
        let marginal = Marginal::Drawn { mean: 1.5, std: 0.25, quantiles, draws: 99 };
        let expected = "1.50000 ± 0.25000; 2.5 %: 1.00000, 50 %: 1.50000 (99 draws)";
        assert_eq!(line(&marginal, 2), expected);
    }
}

//! What a mixture has learnt.

use pyrogen_data::Data;
use pyrogen_model::{Ability, Control, Error, Finding, Inspect, Likely, Options, Request};
use serde_json::{Value, json};

use super::can::Gmm;
use super::saved::Saved;

/// Components with fewer training rows than this have parameters that mean little.
const FEW: f64 = 10.0;

impl Inspect for Gmm {
    fn inspect(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Finding>, Error> {
        Options::resolve(Ability::Inspect, &[], &request.options)?;
        let mut findings = vec![components(&self.0), criteria(&self.0)];
        findings.extend(warnings(&self.0));
        let held_out = self.score(data, &Request::default(), control)?.mean_nats();
        let trained = self.0.log_likelihood / self.0.rows;
        if held_out.is_finite() {
            findings.push(Finding {
                name: "held_out".into(),
                title: "Training and held-out rows".into(),
                text: format!(
                    "Log-likelihood: {trained:.4} nats a training row, {held_out:.4} nats a row of \
                     this data."
                ),
                warning: false,
                value: json!({"training_nats": trained, "nats": held_out}),
            });
        }
        Ok(findings)
    }
}

/// Weight, means, standard deviations and shares of each component.
fn components(saved: &Saved) -> Finding {
    let (mixture, columns) = (&saved.mixture, &saved.columns);
    let (d, numbers, texts) = (mixture.columns(), columns.numbers(), columns.texts());
    let (mut text, mut rows) = (Vec::new(), Vec::new());
    for (c, weight) in mixture.weights().iter().enumerate() {
        let covariance = mixture.covariance(c);
        let (mut parts, mut row) = (Vec::new(), serde_json::Map::new());
        row.insert("weight".into(), (*weight).into());
        for (place, column) in numbers.iter().enumerate() {
            let mean = columns.raw(*column, mixture.mean(c)[place]);
            let std = columns.raw_distance(*column, covariance[place * d + place].sqrt());
            parts.push(format!("{} {} ± {}", columns.name(*column), short(mean), short(std)));
            row.insert(columns.name(*column), json!({"mean": mean, "std": std}));
        }
        for (place, column) in texts.iter().enumerate() {
            let names = columns.categories(*column).unwrap_or(&[]);
            let shares = mixture.probabilities(c, place);
            let mut order: Vec<usize> = (0..names.len()).collect();
            order.sort_by(|a, b| shares[*b].total_cmp(&shares[*a]));
            let most = |l: &usize| format!("{} {:.0} %", names[*l], 100.0 * shares[*l]);
            let most: Vec<String> = order.iter().take(3).map(most).collect();
            parts.push(format!("{}: {}", columns.name(*column), most.join(", ")));
            let all: serde_json::Map<String, Value> =
                names.iter().zip(shares).map(|(n, p)| (n.clone(), (*p).into())).collect();
            row.insert(columns.name(*column), all.into());
        }
        text.push(format!("Component {} ({weight:.3} of the rows): {}.", c + 1, parts.join("; ")));
        rows.push(Value::from(row));
    }
    Finding {
        name: "components".into(),
        title: "Components: mean ± standard deviation, most frequent texts".into(),
        text: text.join(" "),
        warning: false,
        value: rows.into(),
    }
}

/// Four digits, and not more places than a number needs.
fn short(v: f64) -> String {
    let places = (3.0 - v.abs().max(1e-300).log10().floor()).clamp(0.0, 12.0) as usize;
    let text = format!("{v:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

fn criteria(saved: &Saved) -> Finding {
    let (aic, bic) = (saved.aic(), saved.bic());
    let mixture = &saved.mixture;
    let fitted = saved.tried.iter().filter(|t| t.criterion.is_some()).count();
    let failed = saved.tried.len() - fitted;
    let mut text = format!(
        "{} components, covariances {}, {} free parameters; AIC {aic:.2}, BIC {bic:.2} of the \
         training rows.",
        mixture.components(),
        mixture.covariance_model(),
        mixture.parameters()
    );
    if fitted > 1 {
        text.push_str(&format!(" It is the best of {fitted} candidates."));
    }
    if failed > 0 {
        text.push_str(&format!(" {failed} candidates could not be fitted."));
    }
    Finding {
        name: "criteria".into(),
        title: "Choice of the model".into(),
        text,
        warning: false,
        value: json!({
            "aic": aic,
            "bic": bic,
            "log_likelihood": saved.log_likelihood,
            "parameters": mixture.parameters(),
            "converged": saved.converged,
            "tried": saved.tried,
        }),
    }
}

fn warnings(saved: &Saved) -> Vec<Finding> {
    let mut text = Vec::new();
    if !saved.converged {
        text.push("Expectation maximisation had not converged: train for more steps.".to_string());
    }
    for (c, weight) in saved.mixture.weights().iter().enumerate() {
        let rows = weight * saved.rows;
        if rows < FEW {
            text.push(format!(
                "Component {} has {rows:.1} training rows: its parameters mean little.",
                c + 1
            ));
        }
    }
    text.extend(saved.events.iter().map(|event| format!("{event}.")));
    if text.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        name: "fit_warnings".into(),
        title: "Warnings of the fit".into(),
        text: text.join(" "),
        warning: true,
        value: text.into(),
    }]
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_are_short() {
        let texts = [1234.56, 12.3456, 0.001_234_56, -2.0, 0.0].map(short);
        assert_eq!(texts, ["1235", "12.35", "0.001235", "-2", "0"]);
    }
}

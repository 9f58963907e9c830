//! What a hidden Markov model has learnt: the meaning of its states.

use pyrogen_data::Data;
use pyrogen_model::{Ability, Control, Error, Figure, Finding, Inspect, Likely, Options, Request};
use serde_json::{Map, Value, json};

use super::can::Regimes;
use super::saved::Saved;
use super::{figure, named};
use crate::analysis::Chain;
use crate::hmm::Emission;

impl Inspect for Regimes {
    fn inspect(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Finding>, Error> {
        Options::resolve(Ability::Inspect, &[], &request.options)?;
        let mut findings = vec![self.states(data)?, criteria(&self.0)];
        findings.extend(warnings(&self.0));
        let held_out = self.score(data, &Request::default(), control)?.nats_per_unit();
        if held_out.is_finite() {
            let trained = -self.0.log_likelihood / self.0.steps as f64;
            findings.push(Finding {
                name: "held_out".into(),
                title: "Training and held-out sequences".into(),
                text: format!(
                    "Minus log-likelihood: {trained:.4} nats a training step, {held_out:.4} nats a \
                     step of this data."
                ),
                warning: false,
                value: json!({"training_nats_per_step": trained, "nats_per_step": held_out}),
            });
        }
        Ok(findings)
    }

    /// The longest sequence above its most probable states.
    fn figures(&self, data: &Data, _: &Request, control: &Control) -> Result<Vec<Figure>, Error> {
        control.check()?;
        Ok(figure::decoded(self, data)?.into_iter().collect())
    }
}

impl Regimes {
    /// Share of time, duration, what is shown and what follows, of each state.
    fn states(&self, data: &Data) -> Result<Finding, Error> {
        let (model, k) = (&self.0.model, self.0.model.states());
        let posteriors = model.posteriors(&self.read(data)?).map_err(named)?;
        let mut seen = vec![0.0; k];
        posteriors.iter().flatten().for_each(|p| seen.iter_mut().zip(p).for_each(|(s, p)| *s += p));
        let steps: f64 = seen.iter().sum::<f64>().max(1.0);
        let long_run = Chain::of(model).stationary().ok();
        let (mut text, mut rows) = (Vec::new(), Vec::new());
        for state in 0..k {
            let stay = model.transition(state)[state];
            let duration = if stay < 1.0 { 1.0 / (1.0 - stay) } else { f64::INFINITY };
            let (words, shown) = self.shown(state);
            let share = seen[state] / steps;
            text.push(format!(
                "State {} ({:.1} % of the steps, {duration:.1} steps at a time): {words}.",
                state + 1,
                100.0 * share
            ));
            rows.push(json!({
                "state": state + 1,
                "share": share,
                "long_run_share": long_run.as_ref().map(|p| p[state]),
                "expected_duration": duration,
                "shows": shown,
                "next": model.transition(state),
            }));
        }
        Ok(Finding {
            name: "states".into(),
            title: "States: mean ± standard deviation, most frequent symbols".into(),
            text: text.join(" "),
            warning: false,
            value: rows.into(),
        })
    }

    /// What a state shows, in words and in numbers.
    fn shown(&self, state: usize) -> (String, Value) {
        let (model, names) = (&self.0.model, &self.0.columns.names);
        let class = model.emission_of(state);
        if let Emission::Categorical(e) = model.emission() {
            let symbols = self.0.columns.symbol_names();
            let shares = &e.probabilities[class];
            let mut order: Vec<usize> = (0..symbols.len()).collect();
            order.sort_by(|a, b| shares[*b].total_cmp(&shares[*a]));
            let most = |s: &usize| format!("{} {:.0} %", symbols[*s], 100.0 * shares[*s]);
            let words: Vec<String> = order.iter().take(5).map(most).collect();
            let all: Map<String, Value> =
                symbols.iter().cloned().zip(shares).map(|(s, p)| (s, (*p).into())).collect();
            return (format!("{}: {}", names[0], words.join(", ")), all.into());
        }
        let (mut words, mut all) = (Vec::new(), Map::new());
        for (column, name) in names.iter().enumerate() {
            let Some((mean, std)) = model.emission().column(class, column) else { continue };
            words.push(format!("{name} {mean:.4} ± {std:.4}"));
            all.insert(name.clone(), json!({"mean": mean, "std": std}));
        }
        (words.join("; "), all.into())
    }
}

fn criteria(saved: &Saved) -> Finding {
    let (aic, bic) = (saved.aic(), saved.bic());
    let fitted = saved.tried.iter().filter(|t| t.criterion.is_some()).count();
    let mut text = format!(
        "{} states, {} free parameters; log-likelihood {:.4}, AIC {aic:.2}, BIC {bic:.2} of the training \
         sequences.",
        saved.model.states(),
        saved.model.free_parameters(),
        saved.log_likelihood
    );
    if fitted > 1 {
        text.push_str(&format!(" It is the best of {fitted} starts."));
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
            "parameters": saved.model.free_parameters(),
            "converged": saved.converged,
            "tried": saved.tried,
        }),
    }
}

fn warnings(saved: &Saved) -> Option<Finding> {
    let mut text = saved.weak.clone();
    if !saved.converged {
        text.push("learning had not converged: train for more steps".into());
    }
    (!text.is_empty()).then(|| Finding {
        name: "fit_warnings".into(),
        title: "Warnings of the fit".into(),
        text: format!("{}.", text.join("; ")),
        warning: true,
        value: text.into(),
    })
}

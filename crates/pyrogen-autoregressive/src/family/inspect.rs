//! What a language model shows of itself.

use pyrogen_data::{Data, Text};
use pyrogen_model::{Control, Error, Finding, Generate, Inspect, Request};
use serde_json::json;

use super::door::{Door, text};
use crate::Surprise;
use crate::language::LanguageModel;

/// Texts that are shown, and their tokens.
const SAMPLES: u64 = 3;
const SAMPLE_TOKENS: usize = 300;

/// Tokens of the held-out paragraph, and of the text that rates are measured on.
const PARAGRAPH: usize = 400;
const MEASURED: usize = 100_000;

impl<N: LanguageModel> Inspect for Door<N> {
    fn inspect(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Finding>, Error> {
        let measured = self.measured(text(data)?)?;
        let surprise = self.surprise(&Data::Text(measured.clone()), None, control)?;
        let asked = Request { seed: request.seed, ..Request::default() };
        let asked = asked.set("max_tokens", SAMPLE_TOKENS);
        let samples = self.generate(0..SAMPLES, &asked, control)?;
        let found = vec![self.rates(&measured, &surprise), self.paragraph(&surprise)];
        let samples = Finding {
            name: "samples".into(),
            title: "Samples".into(),
            text: format!("The first {SAMPLES} texts of the seed {}.", request.seed),
            warning: false,
            value: json!(text(&samples)?.documents().iter().map(|d| &**d).collect::<Vec<&str>>()),
        };
        Ok(found.into_iter().chain([samples]).collect())
    }
}

impl<N: LanguageModel> Door<N> {
    /// The first documents, so many tokens of them.
    fn measured(&self, text: &Text) -> Result<Text, Error> {
        let mut left = MEASURED;
        let mut out: Vec<String> = Vec::new();
        for document in text.documents() {
            let tokens = self.model.tokenizer().encode(document).map_err(super::token)?;
            let part = &tokens[..tokens.len().min(left)];
            out.push(match part.len() == tokens.len() {
                true => document.to_string(),
                false => self.model.tokenizer().decode(part).replace('\u{fffd}', ""),
            });
            left -= part.len();
            if left == 0 {
                break;
            }
        }
        Ok(Text::new(out))
    }

    fn rates(&self, text: &Text, surprise: &[Surprise]) -> Finding {
        let nats: f64 = surprise.iter().flat_map(|s| &s.nats).sum();
        let tokens: usize = surprise.iter().map(|s| s.nats.len()).sum();
        let bytes: usize = text.documents().iter().map(|d| d.len()).sum();
        let rate = nats / tokens.max(1) as f64;
        let bits = nats / bytes.max(1) as f64 / std::f64::consts::LN_2;
        let perplexity = rate.exp();
        let guess = (self.model.tokenizer().tokens() as f64).ln();
        Finding {
            name: "rates".into(),
            title: "Held-out text".into(),
            text: format!(
                "{rate:.3} nats a token (perplexity {perplexity:.2}), {bits:.3} bits a byte, over \
                 {tokens} tokens. A guess among all tokens costs {guess:.2} nats."
            ),
            warning: rate >= guess,
            value: json!({
                "nats_per_token": rate,
                "perplexity": perplexity,
                "bits_per_byte": bits,
                "tokens": tokens,
            }),
        }
    }

    fn paragraph(&self, surprise: &[Surprise]) -> Finding {
        let tokenizer = self.model.tokenizer();
        let tokens: Vec<_> = surprise.first().map_or(Vec::new(), |s| {
            let pairs = s.tokens.iter().zip(&s.nats).take(PARAGRAPH);
            pairs.map(|(&t, nats)| json!([tokenizer.label(t), nats])).collect()
        });
        Finding {
            name: "surprise".into(),
            title: "Surprise of held-out text".into(),
            text: format!(
                "What each of the first {} tokens cost, in nats: below 1 expected, above 4 a \
                 surprise.",
                tokens.len()
            ),
            warning: false,
            value: json!(tokens),
        }
    }
}

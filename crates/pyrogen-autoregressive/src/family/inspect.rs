//! What a language model shows of itself.

use pyrogen_data::Data;
use pyrogen_model::{Control, Error, Finding, Generate, Inspect, Request};
use serde_json::json;

use super::door::{Door, known, text};
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
        let (mut documents, skipped) = known(text(data)?, self.model.tokenizer());
        let mut left = MEASURED;
        for document in &mut documents {
            document.truncate(left);
            left -= document.len();
        }
        documents.retain(|document| !document.is_empty());
        let surprise = self.surprise(&documents, None, control)?;
        let asked = Request { seed: request.seed, ..Request::default() };
        let asked = asked.set("max_tokens", SAMPLE_TOKENS);
        let samples = self.generate(0..SAMPLES, &asked, control)?;
        let samples: Vec<&str> = text(&samples)?.documents().iter().map(|d| &**d).collect();
        let mut found = vec![self.rates(&documents, &surprise, skipped), self.paragraph(&surprise)];
        found.push(Finding {
            name: "samples".into(),
            title: "Samples".into(),
            text: format!("The first {SAMPLES} texts of the seed {}.", request.seed),
            warning: false,
            value: json!(samples),
        });
        Ok(found)
    }
}

impl<N: LanguageModel> Door<N> {
    fn rates(&self, documents: &[Vec<u32>], surprise: &[Surprise], skipped: usize) -> Finding {
        let tokenizer = self.model.tokenizer();
        let nats: f64 = surprise.iter().flat_map(|s| &s.nats).sum();
        let tokens: usize = surprise.iter().map(|s| s.nats.len()).sum();
        let bytes: usize = documents.iter().flatten().map(|&t| tokenizer.bytes(t).len()).sum();
        let rate = nats / tokens.max(1) as f64;
        let bits = nats / bytes.max(1) as f64 / std::f64::consts::LN_2;
        let perplexity = rate.exp();
        let guess = (tokenizer.tokens() as f64).ln();
        let mut text = format!(
            "{rate:.3} nats a token (perplexity {perplexity:.2}), {bits:.3} bits a byte, over {tokens} \
             tokens. A guess among all tokens costs {guess:.2} nats."
        );
        if skipped > 0 {
            text +=
                &format!(" {skipped} characters or words that training did not see were left out.");
        }
        Finding {
            name: "rates".into(),
            title: "Held-out text".into(),
            text,
            warning: rate >= guess,
            value: json!({
                "nats_per_token": rate,
                "perplexity": perplexity,
                "bits_per_byte": bits,
                "tokens": tokens,
                "skipped": skipped,
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

//! What an encoder with a decoder shows of itself.

use pyrogen_data::{Data, Items};
use pyrogen_model::{Complete, Control, Error, Finding, Given, Inspect, Request};
use serde_json::{Value, json};

use super::{Lenient, PairDoor, encoded, pairs};
use crate::token::Tokenizer;

/// Pairs that rates are measured on, that are written anew, and whose alignment is shown.
const MEASURED: usize = 2000;
const WRITTEN: usize = 5;
const ALIGNED: usize = 2;

impl Inspect for PairDoor {
    fn inspect(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Finding>, Error> {
        let all = pairs(data)?;
        let count = all.len().min(MEASURED);
        let pairs = all.select(&(0..count).collect::<Vec<_>>());
        let encoded = encoded(&self.model, &pairs, Lenient { unknown: true, long: true })?;
        let surprise = self.surprise(&encoded, control)?;
        let nats: f64 = surprise.iter().flat_map(|s| &s.nats).sum();
        let tokens: usize = surprise.iter().map(|s| s.nats.len()).sum();
        let rates = self.rates(nats, tokens, [encoded.unknown, encoded.cut]);
        let mut found = vec![rates];
        found.push(self.alignments(&encoded.sources, &encoded.targets));
        // Sources that the model cannot read are not written anew.
        let readable = |&i: &usize| self.model.source(&pairs.sources()[i]).is_ok();
        let rows: Vec<usize> = (0..count).filter(readable).take(WRITTEN).collect();
        if !rows.is_empty() {
            found.push(self.written(&pairs.select(&rows), request, control)?);
        }
        Ok(found)
    }
}

impl PairDoor {
    fn rates(&self, nats: f64, tokens: usize, [unknown, cut]: [usize; 2]) -> Finding {
        let rate = nats / tokens.max(1) as f64;
        let (perplexity, guess) = (rate.exp(), (self.model.tokenizers()[1].tokens() as f64).ln());
        let mut text = format!(
            "{rate:.3} nats a token of the target (perplexity {perplexity:.2}), over {tokens} tokens. A \
             guess among all tokens costs {guess:.2} nats."
        );
        if unknown > 0 {
            text +=
                &format!(" {unknown} characters or words that training did not see were left out.");
        }
        if cut > 0 {
            text += &format!(" {cut} texts were longer than the model reads, and were cut off.");
        }
        Finding {
            name: "rates".into(),
            title: "Held-out targets".into(),
            text,
            warning: rate >= guess,
            value: json!({
                "nats_per_token": rate,
                "perplexity": perplexity,
                "tokens": tokens,
                "skipped": unknown,
                "cut": cut,
            }),
        }
    }

    /// Which tokens of the source each token of the target is written from.
    fn alignments(&self, sources: &[Vec<u32>], targets: &[Vec<u32>]) -> Finding {
        let [source_tokenizer, target_tokenizer] = self.model.tokenizers();
        let labels = |tokenizer: &Tokenizer, tokens: &[u32]| -> Vec<String> {
            tokens.iter().map(|&token| tokenizer.label(token)).collect()
        };
        let aligned = |(source, target): (&Vec<u32>, &Vec<u32>)| -> Value {
            let mut read = vec![target_tokenizer.start()];
            read.extend_from_slice(target);
            let weights = self.model.network().alignment(source, &read);
            let weights: Vec<f32> = weights.into_data().iter::<f32>().collect();
            let mut written = target.clone();
            written.push(target_tokenizer.end());
            json!({
                "source": labels(source_tokenizer, source),
                "target": labels(target_tokenizer, &written),
                "weights": weights.chunks(source.len()).collect::<Vec<_>>(),
            })
        };
        let value: Vec<Value> = sources.iter().zip(targets).take(ALIGNED).map(aligned).collect();
        Finding {
            name: "alignment".into(),
            title: "What is written from what".into(),
            text: "The share of its attention that the decoder gives to each token of the source where it \
                   writes a token of the target: a mean over heads and blocks."
                .into(),
            warning: false,
            value: value.into(),
        }
    }

    fn written(
        &self,
        pairs: &pyrogen_data::Pairs,
        request: &Request,
        control: &Control,
    ) -> Result<Finding, Error> {
        let asked = Request { seed: request.seed, ..Request::default() };
        let given = Given::new(Data::Pairs(pairs.clone()));
        let made = self.complete(&given, 0..pairs.len() as u64, &asked, control)?;
        let Data::Pairs(made) = made else { unreachable!("completions are pairs") };
        let sides = pairs.sources().iter().zip(pairs.targets()).zip(made.targets());
        let one = |((source, target), made)| {
            let [source, target, made]: [&std::sync::Arc<str>; 3] = [source, target, made];
            json!({"source": &**source, "target": &**target, "written": &**made})
        };
        Ok(Finding {
            name: "samples".into(),
            title: "Targets that the model writes".into(),
            text: format!(
                "The first {} sources, with the most probable token again and again.",
                pairs.len()
            ),
            warning: false,
            value: sides.map(one).collect::<Value>(),
        })
    }
}

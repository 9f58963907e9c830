//! Beam search: the most probable completions that a narrow search finds.

use super::run::host;
use super::{Decoder, Finish, Overflow};
use crate::batch::int_tensor;
use crate::language::{LanguageModel, Start};
use crate::{DecodeError, Packed};

/// How a beam search goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beams {
    /// Sequences that are kept at each step.
    pub beams: usize,
    /// Candidates are ranked by `ln p / tokens^alpha`: 0 is the probability, more prefers longer ones
    /// (Wu et al. 2016, with the plain length).
    pub length_penalty: f64,
}

impl Default for Beams {
    fn default() -> Self {
        Self { beams: 4, length_penalty: 1.0 }
    }
}

/// A completion that a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The text, without the prompt.
    pub text: String,
    /// Its tokens, with the end where it ended.
    pub tokens: Vec<u32>,
    /// `-ln p(tokens | prompt)`.
    pub nats: f64,
    /// What it was ranked by.
    pub rank: f64,
    /// Why it ended.
    pub finish: Finish,
}

#[derive(Debug, Clone)]
struct Beam {
    tokens: Vec<u32>,
    nats: f64,
}

impl<N: LanguageModel> Decoder<'_, N> {
    /// The best candidates of a beam search, the best first, as many as there are beams. The sampling
    /// chain has no part in it, nor have stop strings; the sequence ends where the context does.
    ///
    /// # Errors
    /// A prompt that the model cannot read, no beams, or logits that are no numbers.
    pub fn beam_search(&self, prompt: &str, beams: &Beams) -> Result<Vec<Candidate>, DecodeError> {
        let width = beams.beams;
        if width == 0 || !beams.length_penalty.is_finite() {
            let got = format!("{width} with a penalty of {}", beams.length_penalty);
            let expected = "at least 1, with a finite length penalty";
            return Err(DecodeError::Setting { name: "beams", expected, got });
        }
        let (network, tokens) = (self.model.network(), self.framed(prompt)?);
        let context = network.context().unwrap_or(usize::MAX);
        if tokens.len() > context {
            debug_assert_eq!(self.settings.overflow, Overflow::Slide);
            return Err(DecodeError::TooLong { tokens: tokens.len(), context });
        }
        let most = self.settings.most.min(context - tokens.len() + 1);
        let rows = width.next_multiple_of(network.unit());
        let longest = tokens.len().saturating_add(most).min(context);
        let mut state = network.start(Start { rows, longest });
        let packed = Packed::new(tokens.repeat(rows), tokens.len());
        let mut logits = host(network.advance(&packed, &mut state));
        let mut live = vec![Beam { tokens: Vec::new(), nats: 0.0 }];
        let mut done: Vec<Candidate> = Vec::new();
        for step in 1..=most {
            let (next, parents) = self.widen(&live, &logits, step, beams, &mut done)?;
            live = next;
            if live.is_empty() || self.settled(&live, &done, beams, most) || step == most {
                break;
            }
            let pad = |mut rows_of: Vec<u32>| {
                rows_of.resize(rows, rows_of[rows_of.len() - 1]);
                rows_of
            };
            let parents = int_tensor(&pad(parents), [rows], &network.device());
            network.select(&mut state, &parents);
            let last = live.iter().map(|b| b.tokens[b.tokens.len() - 1]).collect();
            logits = host(network.advance(&Packed::new(pad(last), 1), &mut state));
        }
        let finish = |beam: Beam| self.candidate(beam, Finish::Length, beams);
        done.extend(live.into_iter().map(finish));
        done.sort_by(|a, b| b.rank.total_cmp(&a.rank));
        done.truncate(width);
        Ok(done)
    }

    /// The best continuations of the beams, and the beam that each goes on with; those that end go to
    /// the candidates.
    fn widen(
        &self,
        live: &[Beam],
        logits: &[f32],
        step: usize,
        beams: &Beams,
        done: &mut Vec<Candidate>,
    ) -> Result<(Vec<Beam>, Vec<u32>), DecodeError> {
        let (network, tokenizer) = (self.model.network(), self.model.tokenizer());
        let (vocabulary, end) = (network.vocabulary(), tokenizer.end());
        let mut found: Vec<(f64, usize, u32)> = Vec::new();
        for (row, beam) in live.iter().enumerate() {
            let logits = &logits[row * vocabulary..][..vocabulary];
            let p = crate::sampling::probabilities(logits).ok_or(DecodeError::NoToken)?;
            let early = step <= self.settings.least;
            let allowed = |&(token, _): &(usize, &f64)| {
                let token = token as u32;
                let ends = token == end || self.settings.stop_tokens.contains(&token);
                (token as usize) < tokenizer.tokens()
                    && !(early && ends)
                    && (network.ends() || token != end)
            };
            let next = p.iter().enumerate().filter(allowed);
            found.extend(next.map(|(token, p)| (beam.nats - p.ln(), row, token as u32)));
        }
        // Twice as many as beams hold as many that go on, if each ends in one way at most.
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let (mut next, mut parents) = (Vec::new(), Vec::new());
        for (rank, (nats, row, token)) in found.into_iter().enumerate() {
            if next.len() == beams.beams {
                break;
            }
            let mut tokens = live[row].tokens.clone();
            tokens.push(token);
            let beam = Beam { tokens, nats };
            let ending = match token {
                token if token == end => Some(Finish::End),
                token if self.settings.stop_tokens.contains(&token) => Some(Finish::Stop),
                _ => None,
            };
            match ending {
                None => {
                    next.push(beam);
                    parents.push(row as u32);
                }
                Some(finish) if rank < beams.beams && nats.is_finite() => {
                    done.push(self.candidate(beam, finish, beams));
                }
                Some(_) => {}
            }
        }
        Ok((next, parents))
    }

    /// Whether no beam can come to a better rank than as many candidates have.
    fn settled(&self, live: &[Beam], done: &[Candidate], beams: &Beams, most: usize) -> bool {
        let mut ranks: Vec<f64> = done.iter().map(|c| c.rank).collect();
        ranks.sort_by(|a, b| b.total_cmp(a));
        let Some(&worst) = ranks.get(beams.beams - 1) else { return false };
        // Probabilities only fall: the best rank is that of now, at the length that is best for it.
        let best = |beam: &Beam| {
            let length = if beams.length_penalty > 0.0 { most } else { beam.tokens.len() };
            rank(beam.nats, length, beams)
        };
        live.iter().map(best).all(|best| best <= worst)
    }

    fn candidate(&self, beam: Beam, finish: Finish, beams: &Beams) -> Candidate {
        let Beam { tokens, nats } = beam;
        let shown = match finish {
            Finish::Length => &tokens[..],
            _ => &tokens[..tokens.len() - 1],
        };
        Candidate {
            text: self.model.tokenizer().decode(shown),
            rank: rank(nats, tokens.len(), beams),
            tokens,
            nats,
            finish,
        }
    }
}

fn rank(nats: f64, tokens: usize, beams: &Beams) -> f64 {
    -nats / (tokens as f64).powf(beams.length_penalty)
}

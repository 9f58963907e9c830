//! Beam search: the most probable completions that a narrow search finds, in one group or in several
//! that keep away from each other.

use std::collections::BTreeMap;

use super::run::host;
use super::{Decoder, Finish};
use crate::batch::int_tensor;
use crate::language::{LanguageModel, Start};
use crate::{DecodeError, Packed};

/// How a beam search goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beams {
    /// Sequences that are kept at each step, in all groups together.
    pub beams: usize,
    /// Candidates are ranked by `ln p / tokens^alpha`: 0 is the probability, more prefers longer ones
    /// (Wu et al. 2016, with the plain length).
    pub length_penalty: f64,
    /// Groups of as many beams each, which are searched one after the other in every step.
    pub groups: usize,
    /// Nats that a token costs a group for each beam of an earlier group that goes on with the same
    /// token in the same step (Vijayakumar et al. 2018, with Hamming diversity). It chooses among
    /// beams alone: candidates have and are ranked by the model's own nats.
    pub diversity: f64,
}

impl Default for Beams {
    fn default() -> Self {
        Self { beams: 4, length_penalty: 1.0, groups: 1, diversity: 0.0 }
    }
}

impl Beams {
    fn validate(&self) -> Result<(), DecodeError> {
        let wrong = |name, expected, got: String| Err(DecodeError::Setting { name, expected, got });
        if self.beams == 0 {
            return wrong("beams", "at least 1", "0".into());
        }
        if !self.length_penalty.is_finite() {
            return wrong("length_penalty", "a finite number", self.length_penalty.to_string());
        }
        if self.groups == 0 || !self.beams.is_multiple_of(self.groups) {
            return wrong("groups", "a divisor of the beams", self.groups.to_string());
        }
        if !(self.diversity.is_finite() && self.diversity >= 0.0) {
            return wrong("diversity", "at least 0", self.diversity.to_string());
        }
        Ok(())
    }

    /// Beams of a group.
    fn width(&self) -> usize {
        self.beams / self.groups
    }

    fn rank(&self, nats: f64, tokens: usize) -> f64 {
        -nats / (tokens as f64).powf(self.length_penalty)
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
    /// The row of the state that it goes on from.
    row: usize,
    /// Where the constraint stands.
    state: u32,
}

/// Beams that compete with each other, and the candidates that they came to.
#[derive(Debug, Clone)]
struct Group {
    live: Vec<Beam>,
    done: Vec<Candidate>,
}

impl<N: LanguageModel> Decoder<'_, N> {
    /// The best candidates of a beam search, the best first, as many as there are beams. The sampling
    /// chain has no part in it, nor have stop strings; the sequence ends where the context does.
    ///
    /// # Errors
    /// A prompt that the model cannot read, no beams, or logits that are no numbers.
    ///
    /// # Panics
    /// If the model is one of several sources.
    pub fn beam_search(&self, prompt: &str, beams: &Beams) -> Result<Vec<Candidate>, DecodeError> {
        beams.validate()?;
        self.one_source();
        let (network, tokens) = (self.model.network(), self.framed(prompt)?);
        let most = self.room(tokens.len())?;
        let rows = beams.beams.next_multiple_of(network.unit());
        let longest = tokens.len().saturating_add(most);
        let mut state = network.start(Start { rows, longest });
        let packed = Packed::new(tokens.repeat(rows), tokens.len());
        let mut logits = host(network.advance(&packed, &mut state));
        if let Some(guide) = &self.guide {
            guide.check(most)?;
        }
        let root = Beam { tokens: Vec::new(), nats: 0.0, row: 0, state: 0 };
        let mut groups = vec![Group { live: vec![root], done: Vec::new() }; beams.groups];
        for step in 1..=most {
            let mut taken = BTreeMap::new();
            for group in &mut groups {
                self.widen(group, &logits, most, beams, &taken)?;
                for beam in &group.live {
                    *taken.entry(beam.tokens[step - 1]).or_default() += 1.0;
                }
                if step == most || group.settled(beams, most) {
                    self.close(group, beams);
                }
            }
            let (mut from, mut last) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
            for (row, beam) in groups.iter_mut().flat_map(|g| &mut g.live).enumerate() {
                from.push(beam.row as u32);
                last.push(beam.tokens[step - 1]);
                beam.row = row;
            }
            if last.is_empty() {
                break;
            }
            // Nobody looks at the other rows.
            from.resize(rows, from[0]);
            last.resize(rows, last[0]);
            network.select(&mut state, &int_tensor(&from, [rows], &network.device()));
            logits = host(network.advance(&Packed::new(last, 1), &mut state));
        }
        let mut done: Vec<Candidate> = groups.into_iter().flat_map(|group| group.done).collect();
        if tokens.len() > 1 {
            let separator = self.model.tokenizer().separator();
            done.iter_mut().for_each(|candidate| candidate.text.insert_str(0, separator));
        }
        done.sort_by(|a, b| b.rank.total_cmp(&a.rank));
        if done.is_empty() { Err(DecodeError::NoToken) } else { Ok(done) }
    }

    /// The best continuations of a group's beams take their place; those that end become candidates.
    /// `taken` says how many beams of earlier groups go on with a token.
    fn widen(
        &self,
        group: &mut Group,
        logits: &[f32],
        most: usize,
        beams: &Beams,
        taken: &BTreeMap<u32, f64>,
    ) -> Result<(), DecodeError> {
        let vocabulary = self.model.network().vocabulary();
        // The nats that choose, the nats, the beam, the token.
        let mut found: Vec<(f64, f64, usize, u32)> = Vec::new();
        for (i, beam) in group.live.iter().enumerate() {
            let logits = &logits[beam.row * vocabulary..][..vocabulary];
            let p = crate::sampling::probabilities(logits).ok_or(DecodeError::NoToken)?;
            let mut allowed = logits.to_vec();
            self.mask(&mut allowed, beam.tokens.len());
            self.constrain(&mut allowed, beam.state, most - beam.tokens.len());
            let open = (0..vocabulary).filter(|&token| allowed[token] > f32::NEG_INFINITY);
            found.extend(open.map(|token| {
                let (nats, token) = (beam.nats - p[token].ln(), token as u32);
                let repeated = taken.get(&token).copied().unwrap_or(0.0);
                (nats + beams.diversity * repeated, nats, i, token)
            }));
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.2, a.3).cmp(&(b.2, b.3))));
        let width = beams.width();
        let mut next = Vec::with_capacity(width);
        for (rank, (_, nats, i, token)) in found.into_iter().enumerate() {
            if next.len() == width {
                break;
            }
            let Beam { tokens, row, state, .. } = &group.live[i];
            let tokens = [&tokens[..], &[token]].concat();
            let (mut state, mut ending) = (*state, self.ending(token));
            if let (None, Some(guide)) = (ending, &self.guide) {
                let bytes = self.model.tokenizer().bytes(token);
                state = guide.next(state, &bytes).expect("a token that the guide admits");
                ending = guide.is_over(state, most - tokens.len()).then_some(Finish::End);
            }
            let beam = Beam { tokens, nats, row: *row, state };
            match ending {
                None => next.push(beam),
                Some(finish) if rank < width && nats.is_finite() => {
                    group.done.push(self.candidate(beam, finish, beams));
                }
                Some(_) => {}
            }
        }
        group.live = next;
        Ok(())
    }

    /// Ends a group: its beams are candidates as they are, and the best stay.
    fn close(&self, group: &mut Group, beams: &Beams) {
        let finish = |beam: Beam| self.candidate(beam, Finish::Length, beams);
        group.done.extend(std::mem::take(&mut group.live).into_iter().map(finish));
        group.done.sort_by(|a, b| b.rank.total_cmp(&a.rank));
        group.done.truncate(beams.width());
    }

    fn candidate(&self, beam: Beam, finish: Finish, beams: &Beams) -> Candidate {
        let Beam { tokens, nats, .. } = beam;
        let shown = match tokens.split_last() {
            Some((&last, before)) if self.ending(last).is_some() => before,
            _ => &tokens[..],
        };
        Candidate {
            text: self.model.tokenizer().decode_behind(shown),
            rank: beams.rank(nats, tokens.len()),
            tokens,
            nats,
            finish,
        }
    }
}

impl Group {
    /// Whether no beam can come to a better rank than as many candidates have.
    fn settled(&self, beams: &Beams, most: usize) -> bool {
        let mut ranks: Vec<f64> = self.done.iter().map(|c| c.rank).collect();
        ranks.sort_by(|a, b| b.total_cmp(a));
        let Some(&worst) = ranks.get(beams.width() - 1) else { return self.live.is_empty() };
        // Probabilities only fall: the best rank is that of now, at the length that is best for it.
        let best = |beam: &Beam| {
            let length = if beams.length_penalty > 0.0 { most } else { beam.tokens.len() };
            beams.rank(beam.nats, length)
        };
        self.live.iter().map(best).all(|best| best <= worst)
    }
}

//! The search for moves of words that save edits.

use super::distance::{Distance, Edit};

/// The longest run of words that is moved.
const LONGEST: usize = 10;
/// The furthest that a run may be from its counterpart.
const FURTHEST: usize = 50;
/// After so many tries the search for moves ends.
const MOST_TRIES: usize = 1000;

/// Counts edits, moves included; its memory serves many segments.
#[derive(Debug, Default)]
pub(super) struct Shifter {
    distance: Distance,
    edits: Vec<Edit>,
    alignment: Alignment,
    words: Vec<u32>,
    shifted: Vec<u32>,
    tries: usize,
}

/// Which words of both sides are wrong, and where each word of the reference belongs.
#[derive(Debug, Default)]
struct Alignment {
    /// Place in the hypothesis of each word of the reference; where it has none, that of the word
    /// before, and -1 before all.
    places: Vec<isize>,
    /// How many wrong words the reference has before each place.
    reference_errors: Vec<u32>,
    /// How many wrong words the hypothesis has before each place.
    hypothesis_errors: Vec<u32>,
}

impl Alignment {
    fn read(&mut self, edits: &[Edit]) {
        self.places.clear();
        self.reference_errors.clear();
        self.hypothesis_errors.clear();
        self.reference_errors.push(0);
        self.hypothesis_errors.push(0);
        let mut place = -1;
        for &edit in edits {
            let wrong = u32::from(edit != Edit::Keep);
            if edit != Edit::Insert {
                place += 1;
                self.hypothesis_errors
                    .push(self.hypothesis_errors[self.hypothesis_errors.len() - 1] + wrong);
            }
            if edit != Edit::Delete {
                self.places.push(place);
                self.reference_errors
                    .push(self.reference_errors[self.reference_errors.len() - 1] + wrong);
            }
        }
    }

    /// Whether a move of these words could help: both sides have a wrong word, and the words do not
    /// stand where they belong already.
    fn worth_a_try(&self, run: Run) -> bool {
        let wrong = |errors: &[u32], start: usize| errors[start + run.length] > errors[start];
        let place = self.places[run.reference];
        wrong(&self.hypothesis_errors, run.hypothesis)
            && wrong(&self.reference_errors, run.reference)
            && !(run.hypothesis as isize <= place && place < (run.hypothesis + run.length) as isize)
    }
}

/// Words that both sides have: where they begin in each.
#[derive(Debug, Clone, Copy)]
struct Run {
    hypothesis: usize,
    reference: usize,
    length: usize,
}

/// A move and what it saves. The order is that of preference: most saved, longest, earliest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Move {
    saved: isize,
    length: usize,
    from: std::cmp::Reverse<usize>,
    to: std::cmp::Reverse<usize>,
}

impl Shifter {
    /// The number of edits that turn a hypothesis into a reference.
    pub fn edits(&mut self, hypothesis: &[u32], reference: &[u32]) -> usize {
        if reference.is_empty() {
            return hypothesis.len();
        }
        if hypothesis == reference {
            return 0;
        }
        self.distance.start(hypothesis, reference);
        self.words.clear();
        self.words.extend_from_slice(hypothesis);
        self.tries = 0;
        let mut moves = 0;
        loop {
            let best = self.best_move(reference);
            // The search that used up the tries is not trusted.
            let Some(best) = best.filter(|m| m.saved > 0 && self.tries < MOST_TRIES) else { break };
            let (from, to) = (best.from.0, best.to.0);
            shift(&self.words, from, best.length, to, &mut self.shifted);
            std::mem::swap(&mut self.words, &mut self.shifted);
            self.distance.move_to(&self.words, from.min(to));
            moves += 1;
        }
        moves + self.distance.cost()
    }

    fn best_move(&mut self, reference: &[u32]) -> Option<Move> {
        self.distance.edits(&mut self.edits);
        self.alignment.read(&self.edits);
        let words = std::mem::take(&mut self.words);
        let mut best = None;
        'search: for start in 0..words.len() {
            let near = start.saturating_sub(FURTHEST)..reference.len().min(start + FURTHEST + 1);
            for counterpart in near {
                let both = words[start..].iter().zip(&reference[counterpart..]);
                let common = both.take(LONGEST).take_while(|(a, b)| a == b).count();
                for length in 1..=common {
                    let run = Run { hypothesis: start, reference: counterpart, length };
                    if !self.alignment.worth_a_try(run) {
                        continue;
                    }
                    self.try_moves(&words, run, &mut best);
                    if self.tries >= MOST_TRIES {
                        break 'search;
                    }
                }
            }
        }
        self.words = words;
        best
    }

    /// Tries to put a run after the place of each word of its counterpart, and before the first.
    fn try_moves(&mut self, words: &[u32], run: Run, best: &mut Option<Move>) {
        let before = self.distance.cost() as isize;
        let mut last = None;
        for offset in 0..=run.length {
            let to = match (run.reference + offset).checked_sub(1) {
                None => 0,
                Some(word) => match self.alignment.places.get(word) {
                    Some(&place) => (place + 1) as usize,
                    None => break,
                },
            };
            if last.replace(to) == Some(to) {
                continue;
            }
            let from = run.hypothesis;
            shift(words, from, run.length, to, &mut self.shifted);
            let rejoins = (from + run.length).max(to + run.length).min(words.len());
            let after = self.distance.cost_of(&self.shifted, from.min(to), rejoins) as isize;
            self.tries += 1;
            let candidate = Move {
                saved: before - after,
                length: run.length,
                from: std::cmp::Reverse(from),
                to: std::cmp::Reverse(to),
            };
            if best.is_none_or(|best| candidate > best) {
                *best = Some(candidate);
            }
        }
    }
}

/// The words with those from `start` on moved to `target`, a place of the words as they were; within
/// the run itself, the run moves on by as many words.
fn shift(words: &[u32], start: usize, length: usize, target: usize, to: &mut Vec<u32>) {
    let (run, end) = (&words[start..start + length], start + length);
    let at = |place: usize| place.min(words.len());
    to.clear();
    if target < start {
        for part in [&words[..target], run, &words[target..start], &words[end..]] {
            to.extend_from_slice(part);
        }
    } else {
        let until = if target > end { target } else { at(length + target) };
        for part in [&words[..start], &words[end..until], run, &words[until..]] {
            to.extend_from_slice(part);
        }
    }
}

//! Smoothed chains against NLTK, against equations over dictionaries (scripts/reference_chains.py), and
//! against tables worked out by hand.

use pyrogen_core::{Noise, Seed};
use pyrogen_markov::chain::{
    Blend, ContextTree, ContextTreeConfig, Counts, NGram, Overlap, Perplexity, Rejection,
    Smoothing, TextConfig, TextModel, TokenModel, Wish,
};
use serde_json::Value;

/// Rounding of some products and sums.
const CLOSE: f64 = 1e-12;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/chains.json")).unwrap()
}

fn symbols(v: &Value) -> Vec<u32> {
    v.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect()
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

const ALL: [Smoothing; 4] = [
    Smoothing::LongestContext,
    Smoothing::WittenBell,
    Smoothing::KneserNey { discount: 0.75 },
    Smoothing::ModifiedKneserNey,
];

#[test]
fn smoothing_equals_nltk() {
    let fixture = fixture();
    let text = symbols(&fixture["text"]);
    let discount = fixture["kneser_ney"]["discount"].as_f64().unwrap();
    let cases = [
        (Smoothing::KneserNey { discount }, &fixture["kneser_ney"]["table"]),
        (Smoothing::WittenBell, &fixture["witten_bell"]),
    ];
    for (smoothing, table) in cases {
        let chain =
            NGram::new(Counts::new(&text, &[text.len()], 4, 2).unwrap(), smoothing).unwrap();
        for (context, row) in table.as_array().unwrap().iter().enumerate() {
            let before = [context as u32 / 4, context as u32 % 4];
            let ours = chain.next(&before).unwrap();
            for (ours, theirs) in ours.iter().zip(numbers(row)) {
                assert!((ours - theirs).abs() < CLOSE, "{smoothing:?} {before:?}: {ours} {theirs}");
            }
        }
    }
}

#[test]
fn modified_kneser_ney_equals_the_equations() {
    let case = &fixture()["modified"];
    let sentences: Vec<Vec<u32>> =
        case["sentences"].as_array().unwrap().iter().map(symbols).collect();
    let lengths: Vec<usize> = sentences.iter().map(Vec::len).collect();
    let counts = Counts::ends(&sentences.concat(), &lengths, 6, 2).unwrap();
    let chain = NGram::new(counts, Smoothing::ModifiedKneserNey).unwrap();
    for (ours, theirs) in
        chain.discounts().unwrap().iter().zip(case["discounts"].as_array().unwrap())
    {
        for (ours, theirs) in ours.0.iter().zip(numbers(theirs)) {
            assert!((ours - theirs).abs() < CLOSE, "{ours} {theirs}");
        }
    }
    let held = case["held"].as_array().unwrap();
    for (sequence, logs) in held.iter().zip(case["logs"].as_array().unwrap()) {
        let (ours, theirs) = (chain.log_probabilities(&symbols(sequence)).unwrap(), numbers(logs));
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() < CLOSE, "{ours} {theirs}");
        }
    }
}

#[test]
fn kneser_ney_by_hand() {
    // a b a c a b: runs of two are ab 2, ba 1, ac 1, ca 1; before a stand b and c, before b and c only a.
    // Without context: (2 - D) / 4 + 3 D / 4 / 3 for a, (1 - D) / 4 + 3 D / 4 / 3 for b and c.
    let counts = Counts::new(&[0, 1, 0, 2, 0, 1], &[6], 3, 1).unwrap();
    assert_eq!((counts.count(&[0, 1]), counts.count(&[0]), counts.count(&[1, 2])), (2, 3, 0));
    let chain = NGram::new(counts, Smoothing::KneserNey { discount: 0.5 }).unwrap();
    let [a, b, c] = [0.5, 0.25, 0.25];
    // After a: (2 - D) / 3 for b, (1 - D) / 3 for c, and 2 D / 3 is left.
    let after_a = [a / 3.0, 1.5 / 3.0 + b / 3.0, 0.5 / 3.0 + c / 3.0];
    // After b: (1 - D) / 1 for a, and D is left.
    let after_b = [0.5 + 0.5 * a, 0.5 * b, 0.5 * c];
    for (before, table) in [(0, after_a), (1, after_b)] {
        for (ours, hand) in chain.next(&[before]).unwrap().iter().zip(table) {
            assert!((ours - hand).abs() < CLOSE, "{ours} {hand}");
        }
    }
    // Perplexity is exact: the geometric mean of what stands in the table.
    let sequence = [0, 1, 0];
    let logs = chain.log_probabilities(&sequence).unwrap();
    let hand = [a, after_a[1], after_b[0]];
    let perplexity = Perplexity::of(&chain, &[&sequence]).unwrap();
    assert!(
        (perplexity.perplexity() - hand.iter().product::<f64>().powf(-1.0 / 3.0)).abs() < CLOSE
    );
    assert!(logs.iter().zip(hand).all(|(l, h)| (l - h.ln()).abs() < CLOSE));
}

/// A text with repetitions: a chain of order 2 over six symbols, cut into sentences.
fn sentences(symbols: u32, count: usize) -> (Vec<u32>, Vec<usize>) {
    let draws = Noise::new(Seed(9)).uniform_vec(count * 12);
    let mut text = Vec::new();
    let mut lengths = Vec::new();
    for (i, draws) in draws.chunks_exact(12).enumerate() {
        let length = i % 12;
        lengths.push(length);
        let mut last = (i as u32) % symbols;
        for draw in &draws[..length] {
            text.push(last);
            last = (last * 3 + (draw * draw * f64::from(symbols)) as u32) % symbols;
        }
    }
    (text, lengths)
}

#[test]
fn probabilities_add_up_to_one() {
    let (text, lengths) = sentences(6, 200);
    for ends in [false, true] {
        for order in [0, 1, 3, 5] {
            let count = if ends { Counts::ends } else { Counts::new };
            for smoothing in ALL {
                let chain =
                    NGram::new(count(&text, &lengths, 6, order).unwrap(), smoothing).unwrap();
                for before in [&[][..], &[0], &[5, 5], &[1, 2, 3, 4], &text[3..20]] {
                    let next = chain.next(before).unwrap();
                    assert_eq!(next.len(), 6 + usize::from(ends));
                    let sum: f64 = next.iter().sum();
                    assert!((sum - 1.0).abs() < CLOSE, "{smoothing:?} {order} {before:?}: {sum}");
                    let context = chain.context(before).unwrap();
                    for (symbol, p) in next.iter().enumerate() {
                        let one = chain.probability(&context, symbol as u32);
                        assert!((one - p).abs() < CLOSE && *p >= 0.0);
                    }
                }
            }
        }
    }
}

#[test]
fn all_ways_to_count_agree() {
    // Few symbols are packed into 64 bits, more into 128, and what does not fit is sorted by place.
    let (text, lengths) = sentences(6, 300);
    let spread: Vec<u32> = text.iter().map(|s| s * 400_000_000).collect();
    let narrow = Counts::ends(&text, &lengths, 6, 4).unwrap();
    let wider = Counts::ends(&spread, &lengths, 2_100_000_000, 2).unwrap();
    let widest = Counts::ends(&spread, &lengths, 2_100_000_000, 4).unwrap();
    for length in 1..=5 {
        assert_eq!(narrow.runs(length), widest.runs(length), "{length}");
        if length <= 3 {
            assert_eq!(narrow.runs(length), wider.runs(length));
        }
    }
    for run in text.windows(4) {
        let other: Vec<u32> = run.iter().map(|s| s * 400_000_000).collect();
        assert_eq!(narrow.count(run), widest.count(&other));
        assert_eq!(narrow.count(&run[..3]), wider.count(&other[..3]));
    }
    // Against counting by hand.
    let mut from = 0;
    let mut seen = 0;
    for length in &lengths {
        seen += text[from..from + length].windows(3).filter(|w| *w == [1, 3, 3]).count();
        from += length;
    }
    assert_eq!(narrow.count(&[1, 3, 3]), seen as u64);
    assert_eq!(narrow.total(), (text.len() + lengths.len()) as u64);
}

#[test]
fn draws_follow_the_probabilities() {
    let (text, lengths) = sentences(6, 200);
    for smoothing in ALL {
        let chain = NGram::new(Counts::ends(&text, &lengths, 6, 2).unwrap(), smoothing).unwrap();
        let noise = Noise::new(Seed(3));
        const N: usize = 20_000;
        let mut seen = [0.0; 7];
        for item in 0..N {
            let made = chain.generate(&noise, item, &[2, 1], 1).unwrap();
            seen[made.get(2).map_or(6, |s| *s as usize)] += 1.0;
        }
        // Pearson's statistic with 6 degrees of freedom at most: above 35 once in 200,000 runs.
        let next = chain.next(&[2, 1]).unwrap();
        let mut distance = 0.0;
        for (seen, p) in seen.iter().zip(&next) {
            let expected = p * N as f64;
            assert!(expected > 0.0 || *seen == 0.0);
            if expected > 0.0 {
                distance += (seen - expected).powi(2) / expected;
            }
        }
        assert!(distance < 35.0, "{smoothing:?}: {distance}");
        // An item does not depend on others.
        assert_eq!(chain.generate(&noise, 5, &[2], 9), chain.generate(&noise, 5, &[2], 9));
    }
}

#[test]
fn bad_requests_are_named() {
    let message = |r: Result<Counts, pyrogen_markov::MarkovError>| r.unwrap_err().to_string();
    assert!(
        message(Counts::new(&[0, 1, 7], &[1, 2], 5, 2)).contains("sequence 1, step 1: symbol 7")
    );
    assert!(message(Counts::new(&[0, 1], &[1], 5, 2)).contains("add up to 1"));
    assert!(message(Counts::new(&[], &[0, 0], 5, 2)).contains("no symbols"));
    let empty = Counts::ends(&[], &[0, 0], 5, 2).unwrap();
    let chain = NGram::new(empty, Smoothing::WittenBell).unwrap();
    assert!(chain.next(&[]).unwrap()[5] > 0.5); // sentences end at once
    assert!(NGram::new(chain.counts().clone(), Smoothing::KneserNey { discount: 2.0 }).is_err());
    assert!(chain.next(&[9]).is_err());
    assert!(Perplexity::of(&chain, &[]).is_err());
    // A symbol that was not seen in training has a probability, but for the unsmoothed chain.
    let counts = Counts::new(&[0, 1, 0, 1], &[4], 3, 1).unwrap();
    for smoothing in ALL {
        let p = NGram::new(counts.clone(), smoothing).unwrap().next(&[0]).unwrap()[2];
        assert_eq!(p > 0.0, smoothing != Smoothing::LongestContext, "{smoothing:?}");
    }
}

#[test]
fn the_tree_is_the_mixture_of_all_trees() {
    // Bits of order up to 2: five trees; each predicts with its own contexts (Willems et al. 1995, 4).
    let text: Vec<u32> = [1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0].to_vec();
    let config = ContextTreeConfig { depth: 1, pseudo_count: 0.5, ends: false };
    let mut tree = ContextTree::new(2, config).unwrap();
    let ours: f64 = tree.learn(&text).unwrap().iter().sum();
    // The sequential product of (count + 1/2) / (n + 1) over the contexts of a tree. A context that is
    // new predicts as the empty one does, so there the two trees agree.
    let root = |t: usize| {
        let ones = text[..t].iter().sum::<u32>() as f64;
        let count = if text[t] == 1 { ones } else { t as f64 - ones };
        (count + 0.5) / (t as f64 + 1.0)
    };
    let leaf = |t: usize| {
        let context = t.checked_sub(1).map(|i| text[i]);
        let same: Vec<usize> =
            (0..t).filter(|s| s.checked_sub(1).map(|i| text[i]) == context).collect();
        if same.is_empty() {
            return root(t);
        }
        let count = same.iter().filter(|s| text[**s] == text[t]).count() as f64;
        (count + 0.5) / (same.len() as f64 + 1.0)
    };
    let product = |f: &dyn Fn(usize) -> f64| (0..text.len()).map(f).product::<f64>();
    let truth = (0.5 * product(&root) + 0.5 * product(&leaf)).ln();
    // The ratio of the two is kept in f32.
    assert!((ours - truth).abs() < 1e-5, "{ours} {truth}");
}

#[test]
fn the_tree_is_a_distribution_and_blends() {
    let (text, _) = sentences(6, 200);
    let (train, held) = text.split_at(text.len() * 9 / 10);
    let config = ContextTreeConfig { depth: 3, ..Default::default() };
    let mut tree = ContextTree::new(6, config).unwrap();
    tree.learn(train).unwrap();
    for before in [&[][..], &[3], held] {
        let sum: f64 = tree.next(before).unwrap().iter().sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    }
    let logs = tree.log_probabilities(held).unwrap();
    let one = tree.next(&held[..7]).unwrap()[held[7] as usize];
    assert!((logs[7] - one.ln()).abs() < CLOSE);
    let chain =
        NGram::new(Counts::new(train, &[train.len()], 6, 2).unwrap(), Smoothing::ModifiedKneserNey)
            .unwrap();
    let blend = Blend::fitted(vec![&tree, &chain], &[held], 50).unwrap();
    let of = |m: &dyn TokenModel| Perplexity::of(m, &[held]).unwrap().per_token();
    // On the text that the weights were fitted to, no single model is better.
    assert!(of(&blend) <= of(&tree) + 1e-9 && of(&blend) <= of(&chain) + 1e-9);
    assert!((blend.next(held).unwrap().iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(Blend::new(vec![&tree, &chain], vec![0.0, 0.0]).is_err());
    assert!(Blend::new(vec![&tree], vec![-1.0]).is_err());
}

const RHYMES: &str = "\
the house that jack built
this is the malt that lay in the house that jack built
this is the rat that ate the malt that lay in the house that jack built
this is the cat that killed the rat that ate the malt
this is the dog that worried the cat that killed the rat
the dog lay in the house that the cat built
the rat ate the malt in the house of the dog
";

#[test]
fn sentences_do_not_copy_and_say_why_not() {
    let model = TextModel::lines(RHYMES, TextConfig { order: 1, ..Default::default() }).unwrap();
    let noise = Noise::new(Seed(1));
    let rule = Overlap { words: 4, share: 0.7 };
    let wish = Wish { overlap: Some(rule), most: 12, least: 3, tries: 50, ..Default::default() };
    let source: Vec<&str> = RHYMES.split_whitespace().collect();
    let (mut made, mut copied, mut long, mut short) = (0, 0, 0, 0);
    for item in 0..60 {
        let result = model.sentence(&noise, item, &wish).unwrap();
        assert_eq!(result, model.sentence(&noise, item, &wish).unwrap());
        for rejected in &result.rejected {
            match &rejected.reason {
                Rejection::Copied { run, at } => {
                    let run: Vec<&str> = run.split(' ').collect();
                    assert_eq!(source[*at..*at + run.len()], run[..]);
                    copied += 1;
                }
                Rejection::TooLong => long += 1,
                Rejection::TooShort { words } => {
                    assert!(*words < 3);
                    short += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        let Some(text) = result.text else { continue };
        made += 1;
        let words: Vec<&str> = text.split(' ').collect();
        assert!((3..=12).contains(&words.len()));
        // Searched for in the plain way: no run of five words, or of more than the share.
        let share = (0.7 * words.len() as f64).round_ties_even() as usize;
        let run = (4.min(share) + 1).min(words.len());
        for part in words.windows(run) {
            assert!(!source.windows(run).any(|w| w == part), "{text}");
        }
    }
    assert!(made > 10 && copied > 10 && long > 0 && short + made > 0, "{made} {copied} {long}");
}

#[test]
fn a_text_that_can_only_copy_says_so() {
    let model = TextModel::lines("one two three four\n", TextConfig::default()).unwrap();
    let made = model.sentence(&Noise::new(Seed(1)), 0, &Wish::default()).unwrap();
    assert_eq!(made.text, None);
    assert_eq!(made.rejected.len(), 10);
    let reason = Rejection::Copied { run: "one two three four".into(), at: 0 };
    assert_eq!(made.rejected[0].reason, reason);
    let free = Wish { overlap: None, ..Default::default() };
    let made = model.sentence(&Noise::new(Seed(1)), 0, &free).unwrap();
    assert_eq!(made.text.as_deref(), Some("one two three four"));
    let message =
        |wish: Wish<'_>| model.sentence(&Noise::new(Seed(1)), 0, &wish).unwrap_err().to_string();
    assert!(message(Wish { start: "one five", ..Default::default() }).contains("`five`"));
    assert!(message(Wish { tries: 0, ..Default::default() }).contains("tries"));
    assert!(message(Wish { least: 9, most: 3, ..Default::default() }).contains("least"));
    assert!(TextModel::lines(" \n\n", TextConfig::default()).is_err());
}

//! Encoders with decoders: PyTorch's numbers, what may depend on what, caches, probabilities, training, the
//! door.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use pyrogen_autoregressive::sampling::{Chain, Step};
use pyrogen_autoregressive::{
    Beams, DecodeSettings, Decoder, PairBatch, PairDropout, PairExamples, PairRows, Seq2Seq,
    Seq2SeqConfig, Seq2SeqText,
};
use pyrogen_core::{Examples, Objective};

use super::reference::Paths;
use super::*;

/// Single precision beside double; sums are in another order.
const TOLERANCE: f64 = 1e-5;

/// Sums of about a hundred products of probabilities of single precision.
const SUM: f64 = 1e-5;

fn rows(value: &Value) -> Vec<Vec<u32>> {
    let row = |row: &Value| numbers(row).iter().map(|&t| t as u32).collect();
    value.as_array().unwrap().iter().map(row).collect()
}

/// Weights by the path of their parameter.
struct Filled<'a> {
    weights: &'a Value,
    path: Vec<String>,
}

impl ModuleMapper for Filled<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let weight = &self.weights[self.path.join(".")];
        let values: Vec<f32> = numbers(&weight["values"]).iter().map(|&v| v as f32).collect();
        let shape: Vec<usize> = numbers(&weight["shape"]).iter().map(|&n| n as usize).collect();
        assert_eq!(shape, param.dims(), "{}", self.path.join("."));
        param.map(|value| Tensor::from_data(TensorData::new(values, shape), &value.device()))
    }

    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
}

/// A tokenizer of so many letters, with its end.
fn alphabet(tokens: usize) -> Arc<Tokenizer> {
    let letters: String = (0..tokens - 1).map(|i| char::from(b'a' + i as u8)).collect();
    Arc::new(Tokenizer::new(TokenizerChoice::Characters, &[letters]).unwrap())
}

#[test]
fn networks_equal_pytorch() {
    let all = json("seq2seq.json");
    let (sources, targets) = (rows(&all["sources"]), rows(&all["targets"]));
    for model in all["models"].as_array().unwrap() {
        let name = model["name"].as_str().unwrap();
        let config: Seq2SeqConfig = serde_json::from_value(model["config"].clone()).unwrap();
        let network = config.init(Seed(1), &device()).unwrap();
        let filled = &mut Filled { weights: &model["weights"], path: Vec::new() };
        let network = network.map(filled).to_device(&device().autodiff()).train();
        let tokenizers = [config.source_vocabulary, config.vocabulary].map(alphabet);
        let end = tokenizers[1].end();
        let text = Seq2SeqText::new(network, tokenizers);
        let pairs = PairExamples::new(sources.clone(), &targets, [end, end]);
        let batch = |rows: &[usize]| pairs.batch(rows, &mut Noise::new(Seed(0)), &device());
        let alone = [0, 1].map(|row| batch(&[row]).parts.remove(0));
        let logits = |part: &PairRows| {
            let none = PairDropout::default();
            pyrogen_testkit::host(text.network().logits(&part.sources, &part.inputs, &none))
        };
        let got: Vec<f64> = alone.iter().flat_map(logits).collect();
        let d = difference(&got, &numbers(&model["logits"]));
        assert!(d < TOLERANCE, "{name}: logits differ by {d}");

        // Together, the shorter one padded, and in parts.
        let together = batch(&[0, 1]);
        assert_eq!(together.parts.len(), 1);
        let apart = PairBatch { parts: alone.into(), mean_length: together.mean_length };
        for batch in [together, apart] {
            loss_equals_pytorch(&text, batch, model);
        }
        assert_eq!(text.num_params(), config.num_params().unwrap(), "{name}");
    }
}

fn loss_equals_pytorch(text: &Seq2SeqText, batch: PairBatch, model: &Value) {
    let name = &model["name"];
    let none = vec![PairDropout::default(); batch.parts.len()];
    let loss = text.loss(batch, none).total();
    let (value, expected) =
        (pyrogen_testkit::host(loss.clone())[0], model["loss"].as_f64().unwrap());
    assert!((value - expected).abs() < TOLERANCE * expected, "{name}: {value} {expected}");
    let grads = loss.backward();
    let mut paths = Paths { grads: &grads, path: Vec::new(), found: BTreeMap::new() };
    text.network().visit(&mut paths);
    let expected = model["weights"].as_object().unwrap();
    assert_eq!(expected.len(), paths.found.len(), "{name}");
    for (parameter, weight) in expected {
        let d = difference(&paths.found[parameter], &numbers(&weight["grad"]));
        assert!(d < TOLERANCE, "{name}: gradient of {parameter} differs by {d}");
    }
}

#[test]
fn a_piece_of_a_batch_has_draws_of_several_parts() {
    let config = Seq2SeqConfig { dropout: 0.5, ..configs().swap_remove(0).1 };
    let network = config.init(Seed(1), &device()).unwrap();
    let tokenizers = [config.source_vocabulary, config.vocabulary].map(alphabet);
    let end = tokenizers[1].end();
    let text = Seq2SeqText::new(network, tokenizers);
    let words: Vec<Vec<u32>> = (0..40).map(|i| vec![i % 5; 1 + i as usize % 9]).collect();
    let pairs = PairExamples::new(words.clone(), &words, [end, end]);
    let numbers: Vec<usize> = (0..40).collect();
    let mut noise = Noise::new(Seed(4)).rows(40..80, 80);
    let batch = pairs.batch(&numbers, &mut noise, &device());
    assert_eq!(batch.parts.len(), 2);
    let draws = text.draw(&batch, &mut noise);
    let loss = |draws| pyrogen_testkit::host(text.loss(batch.clone(), draws).total())[0];
    let kept = vec![PairDropout::default(); 2];
    let (dropped, kept) = (loss(draws), loss(kept));
    assert!(dropped.is_finite() && dropped != kept, "{dropped} {kept}");
}

/// Small networks of every choice, of 7 letters to 6.
fn configs() -> Vec<(&'static str, Seq2SeqConfig)> {
    let small = |preset| Seq2SeqConfig {
        source_vocabulary: 8,
        vocabulary: 7,
        source_context: 12,
        context: 12,
        encoder_layers: 1,
        layers: 2,
        width: 16,
        heads: 4,
        ..Seq2SeqConfig::of(preset)
    };
    let (old, new) = (small(Preset::Gpt2), small(Preset::Modern));
    let waves = Seq2SeqConfig {
        positions: Positions::Sinusoidal,
        feed: Feed::Relu,
        tied: false,
        ..old.clone()
    };
    vec![
        ("classic", old),
        ("waves", waves),
        ("grouped", Seq2SeqConfig { key_heads: Some(2), ..new.clone() }),
        ("shared", Seq2SeqConfig { source_vocabulary: 7, shared: true, width: 24, ..new.clone() }),
        ("modern", new),
    ]
}

fn network(config: &Seq2SeqConfig) -> Seq2Seq {
    sharpened(config.init(Seed(3), &device()).unwrap())
}

fn text(config: &Seq2SeqConfig) -> Seq2SeqText {
    let tokenizers = [config.source_vocabulary, config.vocabulary].map(alphabet);
    Seq2SeqText::new(network(config), tokenizers)
}

/// Logits of targets, row by row; sources stand in rows of so many places.
fn of(network: &Seq2Seq, sources: &[Vec<u32>], places: usize, targets: &[Vec<u32>]) -> Vec<f64> {
    let sources = Packed::behind_padding(sources, places);
    let targets = Packed::new(targets.concat(), targets[0].len());
    pyrogen_testkit::host(network.logits(&sources, &targets, &PairDropout::default()))
}

#[test]
fn nothing_depends_on_a_later_token_and_everything_on_the_source() {
    for (name, config) in configs() {
        let network = network(&config);
        let (source, target) = ([vec![1, 4, 2, 6]], [vec![6, 3, 1, 0, 5, 2]]);
        let width = config.vocabulary;
        let whole = of(&network, &source, 4, &target);
        for place in 0..target[0].len() {
            let mut other = target.clone();
            other[0][place] = (other[0][place] + 1) % 6;
            let changed = of(&network, &source, 4, &other);
            let before = difference(&changed[..place * width], &whole[..place * width]);
            assert!(before < 1e-6, "{name}: token {place} changes what is before it by {before}");
            let own = place * width..(place + 1) * width;
            assert!(difference(&changed[own.clone()], &whole[own]) > 1e-4, "{name}: {place}");
        }
        for place in 0..source[0].len() {
            let mut other = source.clone();
            other[0][place] = (other[0][place] + 1) % 7;
            let changed = of(&network, &other, 4, &target);
            for (row, was) in changed.chunks(width).zip(whole.chunks(width)) {
                assert!(difference(row, was) > 1e-6, "{name}: source token {place} is not seen");
            }
        }
    }
}

#[test]
fn padding_changes_nothing_and_rows_do_not_see_each_other() {
    for (name, config) in configs() {
        let network = network(&config);
        let sources = [vec![1, 4, 2], vec![5, 0, 3, 2, 6, 1, 1], vec![6]];
        let targets = [vec![6, 3, 1], vec![6, 0, 0], vec![6, 5, 2]];
        let together = of(&network, &sources, 9, &targets);
        let size = together.len() / 3;
        for i in 0..3 {
            let source = std::slice::from_ref(&sources[i]);
            let alone = of(&network, source, sources[i].len(), std::slice::from_ref(&targets[i]));
            let d = difference(&alone, &together[i * size..(i + 1) * size]);
            assert!(d < TOLERANCE, "{name}: row {i} differs by {d}");
        }
    }
}

#[test]
fn cached_equals_uncached() {
    use pyrogen_autoregressive::Start;
    for (name, config) in configs() {
        let network = network(&config);
        let sources = [vec![1, 4, 2], vec![5, 0, 3, 2, 6]];
        let targets = [vec![6, 3, 1, 0, 2, 2], vec![6, 0, 0, 4, 1, 5]];
        let whole = of(&network, &sources, 5, &targets);
        let given = network.given(&Packed::behind_padding(&sources, 8));
        assert_eq!(given.sources(), 2);
        let width = config.vocabulary;
        for parts in [vec![1; 6], vec![3, 1, 2], vec![6]] {
            // Two more rows are of the last source.
            let mut state = given.start(Start { rows: 4, longest: 6 });
            let mut from = 0;
            for count in parts {
                let part = |row: usize| targets[row.min(1)][from..from + count].to_vec();
                let packed = Packed::new((0..4).flat_map(part).collect(), count);
                let got = pyrogen_testkit::host(given.read(&packed, &mut state));
                for (row, got) in got.chunks(count * width).enumerate() {
                    let at = (row.min(1) * 6 + from) * width;
                    let d = difference(got, &whole[at..at + count * width]);
                    assert!(d < TOLERANCE, "{name}: row {row} from {from} differs by {d}");
                }
                from += count;
            }
        }
        // Rows change their places and are taken back, with their sources.
        let mut state = given.start(Start { rows: 2, longest: 6 });
        given.read(&Packed::new(vec![6, 3, 6, 0], 2), &mut state);
        let order = Tensor::<1, burn::tensor::Int>::from_ints([1, 0, 1], &device());
        given.select(&mut state, &order);
        assert!(given.rewind(&mut state, 1));
        let got = pyrogen_testkit::host(given.read(&Packed::new(vec![0, 3, 0], 1), &mut state));
        for (got, row) in got.chunks(width).zip([1, 0, 1]) {
            let at = (row * 6 + 1) * width;
            assert!(difference(got, &whole[at..at + width]) < TOLERANCE, "{name}");
        }
    }
}

#[test]
fn the_probabilities_of_all_targets_sum_to_one() {
    for (name, config) in configs() {
        let config = Seq2SeqConfig { vocabulary: 4, source_vocabulary: 4, ..config };
        let text = text(&config);
        let source = vec![2, 0, 3];
        let mut targets: Vec<Vec<u32>> = vec![vec![]];
        let mut last = targets.clone();
        for _ in 0..4 {
            last =
                last.iter().flat_map(|t| (0..3).map(|next| [&t[..], &[next]].concat())).collect();
            targets.extend(last.clone());
        }
        assert_eq!(targets.len(), 1 + 3 + 9 + 27 + 81);
        let surprise = text.surprise(&vec![source; targets.len()], &targets);
        // Those of up to three tokens whole, and of four tokens what begins so.
        let p = |(target, s): (&Vec<u32>, &pyrogen_autoregressive::Surprise)| {
            let counted = if target.len() == 4 { 4 } else { target.len() + 1 };
            (-s.nats[..counted].iter().sum::<f64>()).exp()
        };
        let sum: f64 = targets.iter().zip(&surprise).map(p).sum();
        assert!((sum - 1.0).abs() < SUM, "{name}: {sum}");
    }
}

#[test]
fn searches_and_draws_are_those_of_each_source() {
    for (name, config) in configs() {
        let text = text(&config);
        let sources: Vec<Vec<u32>> =
            ["ab", "fedcba", "c"].iter().map(|s| text.source(s).unwrap()).collect();
        let settings = |temperature: f64| DecodeSettings {
            chain: Chain(vec![Step::Temperature(temperature)]),
            most: 6,
            ..DecodeSettings::default()
        };
        let all = text.given(&sources);
        for temperature in [0.0, 1.0] {
            let decoder = Decoder::new(&all, settings(temperature), Seed(4)).unwrap();
            let mut run = decoder.begin_items("", vec![7, 8, 9]).unwrap();
            while run.step().unwrap() {}
            let together = run.completions();
            for (i, source) in sources.iter().enumerate() {
                let one = text.given(std::slice::from_ref(source));
                let decoder = Decoder::new(&one, settings(temperature), Seed(4)).unwrap();
                let alone = decoder.complete("", 7 + i as u64..8 + i as u64).unwrap();
                assert_eq!(alone[0], together[i], "{name}: source {i} at {temperature}");
            }
        }
        // Beams as many as all targets find the best of them, with the probability that a score gives.
        let one = text.given(&sources[..1]);
        let short = DecodeSettings { most: 2, ..settings(1.0) };
        let decoder = Decoder::new(&one, short, Seed(1)).unwrap();
        let beams = Beams { beams: 50, length_penalty: 0.0, ..Beams::default() };
        let found = decoder.beam_search("", &beams).unwrap();
        let letters = config.vocabulary as u32 - 1;
        let targets: Vec<Vec<u32>> =
            std::iter::once(vec![]).chain((0..letters).map(|a| vec![a])).collect();
        let scores = text.surprise(&vec![sources[0].clone(); targets.len()], &targets);
        let best = |s: &pyrogen_autoregressive::Surprise| s.nats.iter().sum::<f64>();
        for (target, score) in targets.iter().zip(&scores) {
            let nats = best(score);
            let same = |c: &&pyrogen_autoregressive::Candidate| {
                c.tokens.split_last().is_some_and(|(end, rest)| *end == letters && rest == target)
            };
            let candidate = found.iter().find(same).unwrap_or_else(|| panic!("{name}: {target:?}"));
            assert!((candidate.nats - nats).abs() < 1e-4, "{name}: {target:?}");
        }
        assert!(found.is_sorted_by(|a, b| a.nats <= b.nats), "{name}");
    }
}

#[test]
fn scores_do_not_depend_on_what_else_is_scored() {
    for (name, config) in configs() {
        let text = text(&config);
        let sources: Vec<Vec<u32>> = ["ab", "fedcbaabc", "c", "abcdefabcde"]
            .iter()
            .map(|s| text.source(s).unwrap())
            .collect();
        let targets = [vec![1, 2], vec![], vec![5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5], vec![0]];
        let all = text.surprise(&sources, &targets);
        for i in 0..4 {
            let alone = text.surprise(&sources[i..=i], &targets[i..=i]);
            assert_eq!(alone[0], all[i], "{name}: pair {i}");
            assert_eq!(all[i].nats.len(), targets[i].len() + 1);
        }
    }
    let (_, config) = configs().swap_remove(4);
    let text = text(&config);
    let empty = text.source("").unwrap_err().to_string();
    assert!(empty.contains("empty"), "{empty}");
    let long = text.source("abcdefabcdef").unwrap_err().to_string();
    assert!(long.contains("13 tokens") && long.contains("reads 12"), "{long}");
    assert!(text.source("aX").unwrap_err().to_string().contains("`X`"));
}

#[test]
fn alignments_are_shares_of_the_source() {
    for (name, config) in configs() {
        let network = network(&config);
        let weights = network.alignment(&[1, 4, 2, 6, 6], &[6, 3, 1]);
        assert_eq!(weights.dims(), [3, 5], "{name}");
        for row in pyrogen_testkit::host(weights).chunks(5) {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{name}: {row:?}");
            assert!(row.iter().all(|&w| w > 0.0), "{name}: {row:?}");
        }
    }
}

#[test]
fn wrong_configs_are_errors() {
    let config = configs().swap_remove(4).1;
    for (config, says) in [
        (Seq2SeqConfig { source_context: 0, ..config.clone() }, "source_context"),
        (Seq2SeqConfig { encoder_layers: 0, ..config.clone() }, "encoder_layers"),
        (Seq2SeqConfig { heads: 3, ..config.clone() }, "heads"),
        (Seq2SeqConfig { shared: true, ..config.clone() }, "source_vocabulary"),
        (Seq2SeqConfig { label_smoothing: 1.0, ..config.clone() }, "label_smoothing"),
        (Seq2SeqConfig { dropout: -0.1, ..config.clone() }, "dropout"),
    ] {
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let tokenizers = [config.source_vocabulary + 1, config.vocabulary].map(alphabet);
    let error = Seq2SeqText::init(&config, tokenizers, Seed(1), &device()).unwrap_err();
    assert!(error.to_string().contains("source_vocabulary"), "{error}");
}

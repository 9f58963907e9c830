//! What every network must be: causal, equal to itself with a cache, packed or alone.

use burn::module::Module;
use pyrogen_autoregressive::{Packed, Start};
use pyrogen_core::folder::Card;

use super::*;

/// Rounding of sums in another order.
const ROUNDING: f64 = 1e-5;

fn tokens(count: usize) -> Vec<u32> {
    (0..count).map(|i| ((i * 5 + i / 3) % 6) as u32).collect()
}

fn causal<N: LanguageModel>(name: &str, model: &N) {
    let (rows, places, vocabulary) = (2, 9, model.vocabulary());
    let before = tokens(rows * places);
    let whole = logits(model, &Packed::new(before.clone(), places));
    for changed in 1..places {
        let mut after = before.clone();
        for row in 0..rows {
            let token = &mut after[row * places + changed];
            *token = (*token + 1) % 6;
        }
        let other = logits(model, &Packed::new(after, places));
        for row in 0..rows {
            let at = |place: usize| (row * places + place) * vocabulary;
            let same = at(0)..at(changed);
            assert_eq!(whole[same.clone()], other[same], "{name}: {changed} is seen before");
            let seen = at(changed)..at(changed + 1);
            assert!(difference(&whole[seen.clone()], &other[seen]) > 1e-4, "{name}: unseen");
        }
    }
}

#[test]
fn no_output_depends_on_a_later_token() {
    for (name, config) in gpts() {
        causal(name, &gpt(&config));
    }
    causal("lstm", &recurrent(Cell::Lstm));
    causal("gru", &recurrent(Cell::Gru));
}

fn cached<N: LanguageModel>(name: &str, model: &N) {
    let (rows, places, vocabulary) = (3, 10, model.vocabulary());
    let tokens = tokens(rows * places);
    let whole = logits(model, &Packed::new(tokens.clone(), places));
    // In steps of one; a prompt and then ones; stretches.
    for steps in [vec![1; 10], vec![6, 1, 1, 1, 1], vec![4, 3, 3]] {
        let mut state = model.start(Start { rows, longest: places });
        let mut from = 0;
        for step in steps {
            let part: Vec<u32> =
                (0..rows).flat_map(|row| tokens[row * places + from..][..step].to_vec()).collect();
            let out = pyrogen_testkit::host(model.read(&Packed::new(part, step), &mut state));
            for row in 0..rows {
                let expected = &whole[(row * places + from) * vocabulary..][..step * vocabulary];
                let got = &out[row * step * vocabulary..][..step * vocabulary];
                assert!(difference(got, expected) < ROUNDING, "{name}: {from}");
            }
            from += step;
        }
    }
}

#[test]
fn a_cache_changes_nothing() {
    for (name, config) in gpts() {
        cached(name, &gpt(&config));
    }
    cached("lstm", &recurrent(Cell::Lstm));
    cached("gru", &recurrent(Cell::Gru));
}

#[test]
fn packed_documents_are_read_as_alone() {
    let end = 6;
    let documents: [&[u32]; 3] = [&[0, 1, 2, 3], &[5], &[4, 4, 1]];
    for (name, config) in gpts() {
        let model = gpt(&config);
        let mut row = Vec::new();
        for document in documents {
            row.push(end);
            row.extend_from_slice(document);
        }
        // A second row whose documents lie elsewhere.
        let mut second = row.clone();
        second.rotate_left(5);
        let places = row.len();
        let packed = Packed::new([row, second].concat(), places).with_documents(end);
        let all = logits(&model, &packed);
        let mut place = 0;
        for document in documents {
            let own: Vec<u32> = [&[end], document].concat();
            let alone = logits(&model, &Packed::new(own.clone(), own.len()));
            let got = &all[place * 7..][..alone.len()];
            assert!(difference(got, &alone) < ROUNDING, "{name}: document at {place}");
            place += own.len();
        }
        // The first document of the second row is the second of the first.
        let alone = logits(&model, &Packed::new(vec![end, 5], 2));
        let got = &all[places * 7..][..14];
        assert!(difference(got, &alone) < ROUNDING, "{name}: second row");
    }
}

/// The probabilities of all texts that end within four tokens and of all beginnings of four tokens.
fn total<N: LanguageModel>(model: &TextModel<N>) -> f64 {
    let letters = 6u32;
    let mut documents = vec![vec![]];
    let mut beginnings: Vec<Vec<u32>> = vec![vec![]];
    for _ in 0..4 {
        let longer =
            |b: &Vec<u32>| (0..letters).map(|t| [&b[..], &[t]].concat()).collect::<Vec<_>>();
        beginnings = beginnings.iter().flat_map(longer).collect();
        documents.extend(beginnings.iter().cloned());
    }
    let surprise = model.surprise(&documents, 2);
    let mut sum = 0.0;
    for (document, surprise) in documents.iter().zip(&surprise) {
        assert_eq!(surprise.nats.len(), document.len() + usize::from(model.network().ends()));
        let nats: f64 = surprise.nats[..document.len()].iter().sum();
        match document.len() {
            // All that goes on behind four tokens is in the beginning's own probability.
            4 => sum += (-nats).exp(),
            n => sum += (-nats - surprise.nats[n]).exp(),
        }
    }
    sum
}

#[test]
fn probabilities_of_all_texts_sum_to_one() {
    for (name, config) in gpts() {
        let sum = total(&text_model(&config));
        assert!((sum - 1.0).abs() < ROUNDING, "{name}: {sum}");
    }
    let sum = total(&TextModel::new(recurrent(Cell::Gru), letters()));
    assert!((sum - 1.0).abs() < ROUNDING, "gru: {sum}");
}

#[test]
fn windows_score_each_token_once_with_the_context_that_they_say() {
    let (_, config) = gpts().swap_remove(2);
    let model = text_model(&config);
    let document = tokens(40);
    let network = model.network();
    let full: Vec<u32> = [&[6], &document[..], &[6]].concat();
    for stride in [1, 5, 12] {
        let got = &model.surprise(std::slice::from_ref(&document), stride)[0];
        assert_eq!(got.tokens, full[1..]);
        // Token by token: the windows end at the context and then at each stride.
        for (i, nats) in got.nats.iter().enumerate() {
            let context = config.context;
            let end = match i < context {
                true => context,
                false => context + ((i - context) / stride + 1) * stride,
            };
            let from = end.min(full.len() - 1).saturating_sub(context);
            let window = full[from..=i].to_vec();
            let all = logits(network, &Packed::new(window.clone(), window.len()));
            let last = &all[all.len() - 7..];
            let sum: f64 = last.iter().map(|v| v.exp()).sum();
            let expected = sum.ln() - last[full[i + 1] as usize];
            assert!(
                (nats - expected).abs() < 1e-4,
                "stride {stride}, token {i}: {nats} {expected}"
            );
        }
    }
}

#[test]
fn a_score_does_not_depend_on_what_else_is_scored() {
    let documents: Vec<Vec<u32>> = [5, 0, 40, 11, 12, 3, 17].map(|n| tokens(n + 1)).to_vec();
    for (name, config) in gpts() {
        for context in [12, 16] {
            let model = text_model(&GptConfig { context, ..config.clone() });
            let all = model.surprise(&documents, 6);
            for (document, expected) in documents.iter().zip(&all) {
                let alone = model.surprise(std::slice::from_ref(document), 6);
                assert_eq!(alone[0], *expected, "{name}: {} tokens", document.len());
            }
        }
    }
}

#[test]
fn recurrent_networks_score_in_stretches() {
    let model = TextModel::new(recurrent(Cell::Lstm), letters());
    let document = tokens(600);
    let got = &model.surprise(std::slice::from_ref(&document), 1)[0].nats;
    let full: Vec<u32> = [&[6], &document[..]].concat();
    let all = logits(model.network(), &Packed::new(full.clone(), full.len()));
    for (i, row) in all.chunks(7).enumerate() {
        let sum: f64 = row.iter().map(|v| v.exp()).sum();
        let target = document.get(i).copied().unwrap_or(6);
        let expected = sum.ln() - row[target as usize];
        assert!((got[i] - expected).abs() < 1e-4, "token {i}");
    }
}

#[test]
fn folders_give_back_network_and_tokenizer() {
    let dir = tempfile::tempdir().unwrap();
    for (i, (name, config)) in gpts().into_iter().enumerate() {
        let model = text_model(&config);
        let folder = dir.path().join(i.to_string());
        model.save(&folder, &Card::new("gpt", Seed(1))).unwrap();
        let again = GptText::load(&folder, &device()).unwrap();
        assert_eq!(again.tokenizer(), model.tokenizer());
        let rows = Packed::new(tokens(10), 10);
        assert_eq!(logits(again.network(), &rows), logits(model.network(), &rows), "{name}");
        assert_eq!(model.network().num_params(), config.num_params().unwrap(), "{name}");
    }
    for cell in [Cell::Lstm, Cell::Gru] {
        let model = TextModel::new(recurrent(cell), letters());
        let folder = dir.path().join("recurrent");
        model.save(&folder, &Card::new("lstm", Seed(1))).unwrap();
        let again = pyrogen_autoregressive::RecurrentText::load(&folder, &device()).unwrap();
        let rows = Packed::new(tokens(10), 10);
        assert_eq!(logits(again.network(), &rows), logits(model.network(), &rows));
        let config = model.network().config();
        assert_eq!(model.network().num_params(), config.num_params().unwrap());
    }
    // A tokenizer that is another's is noticed.
    let folder = dir.path().join("0");
    std::fs::write(folder.join("tokenizer.json"), Tokenizer::Bytes.to_json()).unwrap();
    let text = GptText::load(&folder, &device()).unwrap_err().to_string();
    assert!(text.contains("tokenizer.json") && text.contains("damaged"), "{text}");
}

#[test]
fn configs_name_what_cannot_be() {
    let base = GptConfig::default();
    for (field, config) in [
        ("heads", GptConfig { heads: 5, ..base.clone() }),
        ("key_heads", GptConfig { key_heads: Some(4), ..base.clone() }),
        ("head_width", GptConfig { head_width: Some(5), ..base.clone() }),
        ("vocabulary", GptConfig { vocabulary: 0, ..base.clone() }),
        ("dropout", GptConfig { dropout: 1.0, ..base.clone() }),
        ("window", GptConfig { window: Some(0), ..base.clone() }),
        ("norm_epsilon", GptConfig { norm_epsilon: 0.0, ..base.clone() }),
    ] {
        let text = config.validate().unwrap_err().to_string();
        assert!(text.contains(&format!("`{field}`")), "{text}");
    }
    let huge = GptConfig { width: 1 << 20, hidden: Some(1 << 20), heads: 1, layers: 1024, ..base };
    assert!(huge.validate().unwrap_err().to_string().contains("parameters"));
}

//! Training: every parameter has a gradient, runs resume exactly, adapters change nothing at first.

use std::sync::Arc;

use pyrogen_autoregressive::sampling::{Chain, Step};
use pyrogen_autoregressive::{
    DecodeSettings, Decoder, Finish, LoraConfig, TokenWindows, pretrained,
};
use pyrogen_core::{Examples, Objective};
use pyrogen_model::train::{Quiet, Wish};
use pyrogen_model::{Control, Registry};
use pyrogen_train::{
    GradientConfig, GradientLearner, Learner, Limits, Method, OptimizerConfig, ProgressMode,
    TrainConfig, Trainer, WorkerCount,
};

use super::*;

fn config(steps: u64, workers: usize) -> TrainConfig {
    TrainConfig {
        batch_size: 8,
        limits: Limits { steps: Some(steps), epochs: None, minutes: None },
        optimizer: OptimizerConfig {
            method: Method::AdamW,
            learning_rate: 1e-2,
            weight_decay: 0.1,
            decay_vectors: false,
            ..OptimizerConfig::default()
        },
        gradient: GradientConfig {
            workers: WorkerCount::Exactly(workers),
            ..GradientConfig::default()
        },
        log_every: 1,
        ..TrainConfig::default()
    }
}

/// A text in which each letter says the next.
fn windows(ends: bool) -> Arc<TokenWindows> {
    let text: Vec<u32> = (0..300).map(|i| i % 6).collect();
    let documents = if ends { text.chunks(7).map(<[u32]>::to_vec).collect() } else { vec![text] };
    Arc::new(TokenWindows::new(&documents, [6, 6], ends, 12))
}

fn train<N: LanguageModel + 'static>(
    model: TextModel<N>,
    config: TrainConfig,
    ends: bool,
    dir: &Path,
    resume: bool,
) -> (TextModel<N>, f64) {
    let learner = GradientLearner::new(model, &config).unwrap();
    let trainer = Trainer::new(config, Seed(1)).unwrap().progress(ProgressMode::Hidden);
    let outcome = trainer.resume(resume).fit(learner, windows(ends), None, dir).unwrap();
    let model = outcome.learner.model();
    let fixed = (*windows(ends)).clone().fixed();
    let rows: Vec<usize> = (0..fixed.len()).collect();
    let batch = fixed.batch(&rows, &mut Noise::new(Seed(0)), &device());
    let loss = pyrogen_testkit::host(model.loss(batch, Default::default()).total())[0];
    (model, loss)
}

fn small(dropout: f64) -> GptConfig {
    GptConfig { dropout, ..gpts().swap_remove(3).1 }
}

fn new(config: &GptConfig) -> GptText {
    GptText::init(config, letters(), Seed(3), &device()).unwrap()
}

#[test]
fn networks_learn_and_resume_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (i, dropout) in [0.0, 0.2].into_iter().enumerate() {
        let first = at(&format!("a{i}"));
        let (whole, loss) = train(new(&small(dropout)), config(40, 2), true, &first, false);
        // A guess costs 1.95; what a letter says costs nothing.
        assert!(loss < 0.7 + dropout, "dropout {dropout}: {loss}");
        let part = at(&format!("b{i}"));
        train(new(&small(dropout)), config(15, 2), true, &part, false);
        let (resumed, _) = train(new(&small(dropout)), config(40, 2), true, &part, true);
        let rows = Packed::new((0..12).map(|i| i % 7).collect(), 12);
        assert_eq!(logits(whole.network(), &rows), logits(resumed.network(), &rows));
    }
    for cell in [Cell::Lstm, Cell::Gru] {
        let model = TextModel::new(recurrent(cell), letters());
        let (_, loss) = train(model, config(40, 1), false, &at(&format!("{cell:?}")), false);
        assert!(loss < 0.7, "{cell:?}: {loss}");
    }
}

#[test]
fn a_model_learns_to_fill_gaps() {
    // Five letters in the order of the alphabet, which begins again behind its last.
    let letter = |i: usize| (i % 6) as u32;
    let documents: Vec<Vec<u32>> =
        (0..60).map(|d| (d..d + 5).map(letter).collect::<Vec<u32>>()).collect();
    let model = new(&GptConfig { vocabulary: 10, context: 24, infill: 0.7, ..small(0.0) });
    let windows = TokenWindows::new(&documents, [6, 6], true, 24).with_infill(model.infill());
    let config = config(250, 1);
    let dir = tempfile::tempdir().unwrap();
    let learner = GradientLearner::new(model, &config).unwrap();
    let trainer = Trainer::new(config, Seed(1)).unwrap().progress(ProgressMode::Hidden);
    let model = trainer.fit(learner, Arc::new(windows), None, dir.path()).unwrap().learner.model();
    let fill = |prefix: &str, suffix: &str| {
        let settings = DecodeSettings {
            chain: Chain(vec![Step::Temperature(0.0)]),
            most: 8,
            suffix: Some(suffix.into()),
            ..DecodeSettings::default()
        };
        Decoder::new(&model, settings, Seed(0)).unwrap().complete(prefix, 0..1)
    };
    let (mut right, mut all) = (0, 0);
    for start in 0..6 {
        let text = model.tokenizer().decode(&(start..start + 5).map(letter).collect::<Vec<_>>());
        for (from, to) in [(1, 2), (1, 3), (2, 4), (3, 4), (1, 4), (2, 2)] {
            let filled = &fill(&text[..from], &text[to..]).unwrap()[0];
            all += 1;
            right += usize::from(filled.text == text[from..to] && filled.finish == Finish::End);
        }
    }
    // What fits before alone says nothing of the length.
    assert!(right * 10 >= all * 8, "{right} of {all}");
    // Plain texts are still known, and end.
    let plain = Decoder::new(&model, DecodeSettings::default(), Seed(0)).unwrap();
    let plain = plain.complete("abc", 0..20).unwrap();
    assert!(plain.iter().filter(|c| c.text == "de").count() >= 10, "{plain:?}");
    // A gap has to be seen whole.
    let error = fill("abcdefabcdef", "abcdefabcdef").unwrap_err().to_string();
    assert!(error.contains("28 tokens"), "{error}");
    let whole = &fill("abcdefabcdef", "abcdefa").unwrap()[0];
    assert!(whole.tokens.len() <= 2, "{whole:?}");
}

#[test]
fn gaps_are_for_models_that_were_trained_so() {
    let settings = DecodeSettings { suffix: Some("b".into()), ..DecodeSettings::default() };
    let model = new(&small(0.0));
    let error = Decoder::new(&model, settings.clone(), Seed(0)).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("`suffix`"), "{error}");
    let able = GptConfig { vocabulary: 10, infill: 0.5, ..small(0.0) };
    let able = new(&able);
    let decoder = Decoder::new(&able, settings, Seed(0)).unwrap();
    let error = decoder.complete_with_draft("a", 0..1, &model, 2).unwrap_err().to_string();
    assert!(error.contains("fill gaps"), "{error}");
    for wrong in [
        GptConfig { infill: 1.5, ..small(0.0) },
        GptConfig { infill: 0.5, ends: false, ..small(0.0) },
    ] {
        assert!(wrong.validate().unwrap_err().to_string().contains("infill"));
    }
}

#[test]
fn every_parameter_gets_a_gradient_and_dropout_has_the_rows_of_the_batch() {
    for (name, config) in gpts() {
        let config = GptConfig { dropout: 0.3, ..config };
        let model = TextModel::new(sharpened(config.init(Seed(1), &device()).unwrap()), letters());
        let model = burn::module::Module::to_device(model, &device().autodiff());
        let model = burn::module::Module::train(model);
        let data = TokenWindows::new(&[(0..40).map(|i| i % 6).collect()], [6, 6], true, 12);
        let batch = data.batch(&[0, 1, 2], &mut Noise::new(Seed(1)), &device());
        pyrogen_testkit::every_parameter_gets_a_gradient(&model, batch);
        println!("{name}");
    }
}

#[test]
fn adapters_change_nothing_before_the_first_step_and_are_all_that_is_trained() {
    let (_, base_config) = gpts().swap_remove(2);
    let base = gpt(&base_config);
    let lora = LoraConfig { rank: 4, alpha: 8.0 };
    let adapted = base.clone().adapted(lora, Seed(7)).unwrap();
    let rows = Packed::new((0..24).map(|i| i % 7).collect(), 12);
    assert_eq!(logits(&adapted, &rows), logits(&base, &rows));
    assert_eq!(logits(&adapted.clone().merged(), &rows), logits(&base, &rows));
    let dir = tempfile::tempdir().unwrap();
    let model = TextModel::new(adapted.clone(), letters());
    let (trained, loss) = train(model, config(40, 2), true, &dir.path().join("a"), false);
    let mut before = TextModel::new(base.clone(), letters());
    let batch = windows(true).batch(&[0, 1, 2, 3], &mut Noise::new(Seed(0)), &device());
    before = TextModel::new(before.into_network(), letters());
    let untrained = pyrogen_testkit::host(before.loss(batch, Default::default()).total())[0];
    assert!(loss < untrained - 0.5, "{loss} {untrained}");
    let network = trained.network();
    let host = |w: &burn::module::Param<burn::tensor::Tensor<2>>| pyrogen_testkit::host(w.val());
    assert_eq!(host(&network.tokens), host(&base.tokens));
    for (ours, bases) in network.blocks.iter().zip(&base.blocks) {
        assert_eq!(host(&ours.qkv.weight), host(&bases.qkv.weight));
        let adapter = ours.qkv.adapter.as_ref().unwrap();
        assert!(host(&adapter.b).iter().any(|v| *v != 0.0));
    }
    // Merged it is the same model, to rounding.
    let merged = logits(&network.clone().merged(), &rows);
    assert!(difference(&merged, &logits(network, &rows)) < 1e-4);
    // And a resumed run is the whole one.
    let part = dir.path().join("b");
    train(TextModel::new(adapted.clone(), letters()), config(15, 2), true, &part, false);
    let model = TextModel::new(adapted, letters());
    let (resumed, _) = train(model, config(40, 2), true, &part, true);
    assert_eq!(logits(resumed.network(), &rows), logits(network, &rows));
}

#[test]
fn the_door_trains_goes_on_and_adapts() {
    let registry = pyrogen_autoregressive::family::register(Registry::new());
    let texts: Vec<String> = (0..60).map(|i| "abcdef".repeat(2)[i % 6..i % 6 + 5].into()).collect();
    let data = pyrogen_data::Data::Text(pyrogen_data::Text::new(texts));
    let dir = tempfile::tempdir().unwrap();
    let run = |family: &str, wish: Wish| {
        let (mut quiet, control) = (Quiet, Control::new());
        pyrogen_model::train::train(&registry, family, &data, None, &wish, &mut quiet, &control)
    };
    let wish = |name: &str| {
        let wish = Wish::into(dir.path().join(name)).steps(6).set("batch_size=8");
        wish.set("width=16").set("layers=1")
    };
    let gpt = run("gpt", wish("gpt").set("heads=2")).unwrap();
    let model = gpt.open(&device()).unwrap();
    assert_eq!((model.about().family.as_str(), model.about().parameters), ("gpt", 3_504));
    drop(gpt);
    let from = Wish::into(dir.path().join("more")).steps(4).from(dir.path().join("gpt"));
    let more = run("gpt", from.set("batch_size=8").set("lora={\"rank\":2}")).unwrap();
    // The adapter lies beside the weights that it was added to.
    let adapted = more.open(&device()).unwrap();
    let merged = GptText::load(adapted.path(), &device()).unwrap();
    let base = GptText::load(&dir.path().join("gpt"), &device()).unwrap().into_network();
    let apart = pretrained::open_adapter(base.clone(), adapted.path()).unwrap();
    let rows = Packed::new((0..10).map(|i| i % 7).collect(), 5);
    let expected = logits(merged.network(), &rows);
    assert!(difference(&logits(&apart, &rows), &expected) < 1e-5);
    assert!(logits(&base, &rows) != expected);
    drop(more);
    let lstm = run("lstm", wish("lstm").set("cell=gru").set("tokenizer=bytes")).unwrap();
    let model = lstm.open(&device()).unwrap();
    assert_eq!(model.about().method, "gru");
    let refused = |wish: Wish| run("gpt", wish).unwrap_err().to_string();
    let text = refused(wish("x").set("heads=3"));
    assert!(text.contains("`heads`"), "{text}");
    let text = refused(wish("x").set("heads=2").set("vocabulary=3"));
    assert!(text.contains("`vocabulary` must be null, or at least 7"), "{text}");
    let text = refused(wish("x").set("tokenizer=syllables"));
    assert!(text.contains("tokenizer"), "{text}");
    let from = Wish::into(dir.path().join("y")).steps(4).from(dir.path().join("gpt"));
    let text = refused(from.set("width=32"));
    assert!(text.contains("left as it is"), "{text}");
}

//! Training by name, from nothing and from a folder, watched and cancelled.

use pyrogen::data::{Pairs, Sequences, Text};
use pyrogen::model::train::{Wanted, settings};

use super::*;

fn small(out: &Path) -> Wish {
    Wish::into(out)
        .set(r#"network={"mlp":{"hidden":[8],"activation":"relu"}}"#)
        .set("latents=2")
        .set("train.gradient.workers=1")
}

#[test]
fn a_table_is_learnt_and_written_back() {
    let room = tempfile::tempdir().unwrap();
    let people = pyrogen::read(&format!("csv:{}", fixture("people.csv").display())).unwrap();
    let out = room.path().join("run");
    let mut steps = Vec::new();
    let mut watch = |event: &Event| {
        if let Event::Step { step, total, .. } = *event {
            steps.push((step, total));
        }
        Flow::Continue
    };
    let wish = small(&out).steps(5);
    let trained = pyrogen::train("vae", &people, &wish, &mut watch, &Control::new()).unwrap();
    let model = trained.open(&Device::flex()).unwrap();
    drop(trained);
    assert_eq!(steps, (1..=5).map(|s| (s, Some(5))).collect::<Vec<_>>());
    assert_eq!(model.card().format, 2);
    assert_eq!(model.card().modality.as_deref(), Some("table"));
    let csv = room.path().join("new.csv");
    model.generate(20, &Request::seed(7), &Control::new()).unwrap().write(&csv).unwrap();
    let text = std::fs::read_to_string(&csv).unwrap();
    assert!(text.starts_with("age,hours,city,income\n"), "{text}");
    let back = pyrogen::read(&format!("csv:{}", csv.display())).unwrap();
    assert_eq!(back.data.len(), 20);

    // From an existing folder: the first steps begin where the others ended.
    let other = room.path().join("other");
    let wish = Wish::into(&other).from(&out).steps(2);
    let trained = pyrogen::train("vae", &people, &wish, &mut Quiet, &Control::new()).unwrap();
    assert_eq!(trained.open(&Device::flex()).unwrap().card().steps, 2);
}

#[test]
fn a_cancelled_training_goes_on_to_the_same_bytes() {
    let room = tempfile::tempdir().unwrap();
    let digits = pyrogen::read("digits").unwrap();
    let weights = |out: &Path| std::fs::read(out.join("model/model.safetensors")).unwrap();
    let whole = room.path().join("whole");
    let wish = small(&whole).steps(12);
    pyrogen::train("vae", &digits, &wish, &mut Quiet, &Control::new()).unwrap();

    let broken = room.path().join("broken");
    let control = Control::new();
    let other = control.clone();
    let mut watch = move |event: &Event| {
        if matches!(event, Event::Step { step: 5, .. }) {
            other.cancel();
        }
        Flow::Continue
    };
    let wish = small(&broken).steps(12);
    let error = pyrogen::train("vae", &digits, &wish, &mut watch, &control).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(pyrogen::open(&broken, &Device::flex()).unwrap().card().steps, 5);
    let wish = wish.resume();
    pyrogen::train("vae", &digits, &wish, &mut Quiet, &Control::new()).unwrap();
    assert!(weights(&broken) == weights(&whole), "a resumed run ends with other weights");
}

#[test]
fn wishes_that_do_not_fit_are_errors() {
    let room = tempfile::tempdir().unwrap();
    let digits = pyrogen::read("digits").unwrap();
    let out = room.path().join("run");
    let error = |family: &str, wish: Wish| {
        let trained = pyrogen::train(family, &digits, &wish, &mut Quiet, &Control::new());
        let error = trained.unwrap_err();
        (error.kind(), error.to_string())
    };
    let (kind, text) = error("vea", Wish::into(&out));
    assert!(kind == ErrorKind::Request && text.contains("known: vae, iwae"), "{text}");
    let (kind, text) = error("vae", Wish::into(&out).set("latent=3"));
    assert!(kind == ErrorKind::Config && text.contains("latents"), "{text}");
    let (kind, text) = error("vae", Wish::into(&out).set("latents=0"));
    assert!(kind == ErrorKind::Config, "{text}");
    let (kind, text) = error("vae", Wish::into(&out).set("latents=100000000000"));
    assert!(matches!(kind, ErrorKind::Request | ErrorKind::Config), "{text}");
    assert!(!out.join("model").exists(), "nothing was written");
}

/// Whatever cannot be done with the trained model is found before the first step.
#[test]
fn what_cannot_be_used_is_not_trained() {
    let room = tempfile::tempdir().unwrap();
    let digits = pyrogen::read("digits").unwrap();
    let mut steps = 0;
    let mut watch = |event: &Event| {
        steps += u32::from(matches!(event, Event::Step { .. }));
        Flow::Continue
    };
    let mut error = |family: &str, set: &str| {
        let wish = Wish::into(room.path().join("run")).set(set).steps(1);
        let trained = pyrogen::train(family, &digits, &wish, &mut watch, &Control::new());
        trained.map(|_| ()).unwrap_err().to_string()
    };
    let text = error("diffusion", r#"sampling={"spacing":"trailing","steps":1001}"#);
    assert!(text.contains("at most the 1000 steps"), "{text}");
    let text = error("diffusion", r#"sampling={"spacing":{"karras":{"rho":-1.0}}}"#);
    assert!(text.contains("rho"), "{text}");
    assert_eq!(steps, 0);
    assert!(!room.path().join("run/metrics.csv").exists());
}

#[test]
fn a_folder_that_another_process_trains_into_is_busy() {
    let room = tempfile::tempdir().unwrap();
    let digits = pyrogen::read("digits").unwrap();
    let out = room.path().join("run");
    let first = pyrogen::train("vae", &digits, &small(&out).steps(2), &mut Quiet, &Control::new());
    let first = first.unwrap();
    // The result still holds the folder: scores may be written into it.
    let again = small(&out).steps(4).resume();
    let error = pyrogen::train("vae", &digits, &again, &mut Quiet, &Control::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    drop(first);
    pyrogen::train("vae", &digits, &again, &mut Quiet, &Control::new()).unwrap();
}

#[test]
fn shares_are_recorded_and_used() {
    let room = tempfile::tempdir().unwrap();
    let digits = pyrogen::read("digits").unwrap();
    let mut wish = small(&room.path().join("run")).steps(1);
    wish.partition.test = 0.0;
    wish.partition.validation = 0.0;
    let trained = pyrogen::train("vae", &digits, &wish, &mut Quiet, &Control::new()).unwrap();
    assert_eq!(trained.train.len(), digits.data.len());
    assert!(trained.test.is_none());
    let card = trained.open(&Device::flex()).unwrap().card().clone();
    assert_eq!(card.split.unwrap()["test"], 0.0);
}

#[test]
fn every_setting_says_what_it_is_for() {
    let read = |source: String| pyrogen::read(&source).unwrap().data;
    let known = [
        read("digits".into()),
        read(format!("csv:{}", fixture("people.csv").display())),
        Data::Text(Text::new(["one", "another text"])),
        Data::Pairs(Pairs::new([("one", "eins"), ("two", "zwei")])),
        Data::Sequences(Sequences::new(vec!["x".into()], vec![1.0, 2.5, 0.5], vec![3]).unwrap()),
    ];
    let registry = pyrogen::registry();
    let mut trained = 0;
    for family in registry.families() {
        let Some(train) = family.train() else { continue };
        let data = known.iter().find(|data| family.takes().contains(&data.modality())).unwrap();
        let wanted = Wanted { data, context: None, context_shape: None };
        let defaults = train.defaults(&wanted).unwrap();
        let list = settings(train, &defaults);
        let silent: Vec<&str> =
            list.iter().filter(|s| s.about.is_empty()).map(|s| s.key.as_str()).collect();
        assert!(silent.is_empty(), "{}: {silent:?}", family.name());
        assert!(list.iter().any(|s| s.key.starts_with("train.")), "{}", family.name());
        trained += 1;
    }
    assert!(trained >= 11, "{trained} families");
}

//! Requests that make no sense are errors that say what to do; none panics.

use super::*;

fn error(model: &Model, n: u64, request: Request) -> (ErrorKind, String) {
    let error = model.generate(n, &request, &Control::new()).unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());
    (error.kind(), error.to_string())
}

#[test]
fn wrong_requests_are_errors() {
    let (vae, diffusion) = (open("vae"), open("diffusion-digits"));
    let seed = Request::seed(1);
    let gan = open("gan");
    let table: [(&Model, u64, Request, &str); 15] = [
        (&vae, 0, seed.clone(), "at least 1"),
        (&vae, 1, seed.clone().class("12"), "classes 0 to 9"),
        (&vae, 1, seed.clone().class("seven"), "classes 0 to 9"),
        (&vae, 1, seed.clone().set("temperature", -1.0), "at least 0"),
        (&vae, 1, seed.clone().set("temperature", "hot"), "a number"),
        (&vae, 1, seed.clone().set("steps", 5), "known: temperature"),
        (&diffusion, 1, seed.clone().set("steps", 0), "at least 1"),
        (&vae, 1, seed.clone().set("output", "median"), "one of mean, draw"),
        (&gan, 1, seed.clone().set("output", "mean"), "known: temperature"),
        (&diffusion, 1, seed.clone().set("sampler", "magic"), "one of ddpm"),
        (&diffusion, 1, seed.clone().set("spacing", "even"), "one of linspace"),
        (&diffusion, 1, seed.clone().set("eta", 0.5), "this sampler adds no noise"),
        (&diffusion, 1, seed.clone().set("sampler", "ddim").set("eta", -1), "at least 0"),
        (&diffusion, 1, seed.clone().set("guidance_interval", 2), "[low, high]"),
        (&vae, 1, seed.clone().context(data("vae", 1)), "takes none"),
    ];
    for (model, n, request, says) in table {
        let (kind, text) = error(model, n, request);
        assert!(matches!(kind, ErrorKind::Request | ErrorKind::Config), "{text}");
        assert!(text.contains(says), "{text}");
    }
    let (_, text) = error(&open("table-vae"), 1, seed.class("Oslo"));
    assert!(text.contains("without labels"), "{text}");
}

/// A draw has the decoder's noise: grey levels of a picture, of which means are what is shown.
#[test]
fn means_and_draws_are_chosen() {
    let control = Control::new();
    let values = |model: &Model, request: &Request| {
        let items = model.generate(20, request, &control).unwrap();
        items.dataset().unwrap().values().to_vec()
    };
    let seed = Request::seed(4);
    for (name, usual, other) in [("vae", "mean", "draw"), ("table-vae", "draw", "mean")] {
        let model = open(name);
        let shown = values(&model, &seed);
        assert_eq!(shown, values(&model, &seed.clone().set("output", usual)), "{name}");
        assert_ne!(shown, values(&model, &seed.clone().set("output", other)), "{name}");
        // The decoded points of latents, the same way.
        let latent = model.latent().unwrap();
        let points = latent.origin(3, &seed).unwrap();
        let decoded = latent.decode(&points, &control).unwrap();
        let drawn = latent.draw(&points, 0..3, &seed, &control).unwrap();
        assert_eq!(decoded == drawn, usual == "mean", "{name}");
        let last = latent.draw(&points.rows(2..3), 2..3, &seed, &control).unwrap();
        let (last, drawn) = (last.dataset().unwrap(), drawn.dataset().unwrap());
        // One row has a matrix product of its own.
        let far = |(a, b): (&f32, &f32)| (a - b).abs() > 1e-3;
        assert!(!last.values().iter().zip(drawn.row(2)).any(far), "{name}: item 2 alone");
    }
    let drawn = values(&open("vae"), &seed.set("output", "draw"));
    assert!(drawn.iter().all(|v| v.fract() == 0.0 && (0.0..=16.0).contains(v)), "{drawn:?}");
}

#[test]
fn a_sampler_is_chosen_with_its_numbers() {
    let model = open("diffusion");
    let values = |request: Request| {
        let items = model.generate(4, &request, &Control::new()).unwrap();
        items.dataset().unwrap().values().to_vec()
    };
    let seed = Request::seed(4).set("steps", 6);
    let (karras, trailing) = (
        values(seed.clone().set("spacing", "karras")),
        values(seed.clone().set("spacing", "trailing")),
    );
    assert_ne!(karras, trailing);
    let ddim = seed.clone().set("sampler", "ddim");
    assert_eq!(values(ddim.clone()), values(ddim.clone().set("eta", 0)));
    assert_ne!(values(ddim.clone()), values(ddim.clone().set("eta", 1)));
    // DDPM is DDIM with all of its noise.
    assert_eq!(values(ddim.set("eta", 1)), values(seed.clone().set("sampler", "ddpm")));
    // More steps than the process has.
    for spacing in ["trailing", "leading", "linspace", "karras", "exponential"] {
        let request = seed.clone().set("spacing", spacing).set("steps", 1001);
        let (kind, text) = error(&model, 1, request);
        assert_eq!(kind, ErrorKind::Config, "{text}");
        assert!(text.contains("at most the 1000 steps of the process, got 1001"), "{text}");
    }
}

#[test]
fn a_class_is_found_by_number_and_by_name() {
    let model = open("vae");
    let request = Request::seed(4).class(7);
    let sevens = model.generate(3, &request, &Control::new()).unwrap();
    assert_eq!(sevens.labels(), Some(vec![7, 7, 7]));
    assert_eq!(model.about().classes[7], "7");
}

#[test]
fn data_that_does_not_fit_is_an_error() {
    let vae = open("vae");
    let error = vae.score(&data("table-vae", 3), &Request::seed(1), &Control::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    let text = Data::Text(pyrogen::data::Text::new(["words"]));
    let error = vae.score(&text, &Request::seed(1), &Control::new()).unwrap_err();
    assert!(error.to_string().contains("pictures"), "{error}");
}

#[test]
fn folders_that_cannot_be_opened_say_why() {
    let device = Device::flex();
    let error = pyrogen::open("no/such/folder", &device).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Folder);
    let error = Registry::new().open(fixture("vae"), &device).unwrap_err();
    assert!(error.to_string().contains("family `vae`, which this build does not have"), "{error}");
    // A config of another model than the card's preparation is for.
    let room = tempfile::tempdir().unwrap();
    for file in ["card.json", "config.json", "model.safetensors"] {
        std::fs::copy(fixture("gan").join(file), room.path().join(file)).unwrap();
    }
    let card = std::fs::read_to_string(room.path().join("card.json")).unwrap();
    std::fs::write(room.path().join("card.json"), card.replace("\"gan\"", "\"vae\"")).unwrap();
    assert!(pyrogen::open(room.path(), &device).is_err());
}

#[test]
fn work_is_cancelled_from_another_thread() {
    let model = open("diffusion");
    let control = Control::new();
    let other = control.clone();
    let request = Request::seed(1).set("steps", 200);
    let started = std::time::Instant::now();
    let watcher = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        other.cancel();
    });
    let error = model.generate(1 << 20, &request, &control).unwrap_err();
    watcher.join().unwrap();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    // All of it would take hours.
    assert!(started.elapsed().as_secs() < 60);
}

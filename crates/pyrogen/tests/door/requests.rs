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
    let table: [(&Model, u64, Request, &str); 9] = [
        (&vae, 0, seed.clone(), "at least 1"),
        (&vae, 1, seed.clone().class("12"), "classes 0 to 9"),
        (&vae, 1, seed.clone().class("seven"), "classes 0 to 9"),
        (&vae, 1, seed.clone().set("temperature", -1.0), "at least 0"),
        (&vae, 1, seed.clone().set("temperature", "hot"), "a number"),
        (&vae, 1, seed.clone().set("steps", 5), "known: temperature"),
        (&diffusion, 1, seed.clone().set("steps", 0), "at least 1"),
        (&diffusion, 1, seed.clone().set("sampler", "magic"), "one of ddpm"),
        (&vae, 1, seed.clone().context(data("vae", 1)), "takes none"),
    ];
    for (model, n, request, says) in table {
        let (kind, text) = error(model, n, request);
        assert_eq!(kind, ErrorKind::Request, "{text}");
        assert!(text.contains(says), "{text}");
    }
    let (_, text) = error(&open("table-vae"), 1, seed.class("Oslo"));
    assert!(text.contains("without labels"), "{text}");
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

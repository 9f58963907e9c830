//! Folders of the first format open, sample, score and reconstruct as they did.

use serde_json::Value;

use super::*;

fn expected() -> Value {
    let text = std::fs::read_to_string(fixture("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_family_of_the_first_format_opens_and_samples() {
    for name in MODELS {
        let model = open(name);
        assert_eq!(model.card().format, 1, "{name}");
        let items = model.generate(3, &quick(&model, 1), &Control::new()).unwrap();
        assert_eq!((items.len(), items.modality()), (3, model.about().modality), "{name}");
        assert_eq!(model.about().modality, data(name, 1).modality(), "{name}");
    }
}

/// Nothing is drawn; five places were kept of numbers up to 16.
const RECONSTRUCTION: f64 = 1e-4;

#[test]
fn reconstructions_are_what_they_were() {
    let expected = expected();
    for (name, values) in expected["reconstructions"].as_object().unwrap() {
        let model = open(name);
        let latent = model.latent().unwrap();
        // The command took the first of the held-out rows: those of the card's seed.
        let all = pyrogen::read("digits").unwrap().data;
        let parts = all.partition(None, &Default::default(), model.card().seed).unwrap();
        let held_out = parts.test.unwrap().select(&[0, 1, 2]);
        let latents = latent.encode(&held_out, &Request::seed(1), &Control::new()).unwrap();
        let decoded = latent.decode(&latents, &Control::new()).unwrap();
        let decoded = decoded.dataset().unwrap().into_owned();
        let got: Vec<f64> = decoded.values().iter().map(|&v| f64::from(v)).collect();
        let want: Vec<f64> =
            values.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        assert_eq!(got.len(), want.len(), "{name}");
        for (i, (got, want)) in got.iter().zip(&want).enumerate() {
            assert!((got - want).abs() < RECONSTRUCTION, "{name}, number {i}: {got} for {want}");
        }
    }
}

#[test]
fn scores_are_what_they_were_to_their_standard_error() {
    let expected = expected();
    for (name, was) in expected["scores"].as_object().unwrap() {
        let model = open(name);
        let all = match name.as_str() {
            "table-vae" => data(name, 120),
            _ => pyrogen::read("digits").unwrap().data,
        };
        let parts = all.partition(None, &Default::default(), model.card().seed).unwrap();
        let held_out = parts.test.unwrap();
        let now = model.score(&held_out, &Request::seed(1), &Control::new()).unwrap();
        let errors = [was["std_err"].as_f64(), now.std_err()];
        let error: f64 = errors.iter().flatten().map(|e| e * e).sum::<f64>().sqrt();
        let (was, now) = (was["mean_nats"].as_f64().unwrap(), now.mean_nats());
        // Five standard errors: one false alarm in two million; exact where nothing is drawn.
        let allowed = (5.0 * error).max(1e-4);
        assert!((was - now).abs() <= allowed, "{name}: was {was}, now {now}, allowed {allowed}");
    }
}

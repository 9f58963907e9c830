//! What a family promises and what its models can do.

use super::*;

#[test]
fn models_can_what_their_family_promises() {
    let registry = pyrogen::registry();
    for name in MODELS {
        let model = open(name);
        let family = registry.find(&model.about().family).unwrap();
        let (promised, can) = (family.abilities(), model.can().abilities());
        let method = registry.find(&model.about().method).unwrap();
        for ability in &can {
            assert!(promised.contains(ability), "{name}: {ability} is not promised");
        }
        // A folder of the family `vae` may be of another method, which promises for it.
        for ability in method.abilities() {
            assert!(can.contains(&ability), "{name}: {ability} is promised and not there");
        }
        assert!(family.takes().contains(&model.about().modality), "{name}");
    }
}

#[test]
fn what_a_model_cannot_do_is_an_error_with_its_reason() {
    let gan = open("gan");
    let error = gan.score(&data("gan", 3), &Request::seed(1), &Control::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let text = error.to_string();
    assert!(text.contains("gan") && text.contains("inversion error"), "{text}");
    let vae = open("vae");
    let given = Given::new(data("vae", 1));
    let error = vae.complete(&given, &Request::seed(1), &Control::new()).unwrap_err();
    assert!(error.to_string().contains("cannot complete"), "{error}");
}

#[test]
fn anomalies_are_ranked_by_whatever_the_model_has() {
    for name in ["gan", "vae"] {
        let model = open(name);
        let mut request = Request::seed(1);
        if name == "vae" {
            request = request.set("draws", 2);
        }
        let ranking = model.rank(&data(name, 5), &request, &Control::new()).unwrap();
        assert_eq!(ranking.scores.len(), 5, "{name}");
        assert!(ranking.scores.iter().all(|s| s.is_finite()), "{name}: {ranking:?}");
    }
}

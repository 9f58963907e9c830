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
            let excused = model.why_not(ability).is_some();
            assert!(can.contains(&ability) || excused, "{name}: {ability} is promised, not there");
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

/// A density of categories grows without bound as a model learns: it is given as a rank alone.
#[test]
fn a_density_of_categories_is_no_likelihood() {
    let (flow, people, control) = (open("flow-matching"), data("flow-matching", 6), Control::new());
    let error = flow.score(&people, &Request::seed(1), &control).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("is no likelihood"), "{error}");
    let ranking = flow.rank(&people, &Request::seed(1), &control).unwrap();
    assert!(ranking.name.contains("log-density of prepared values"), "{}", ranking.name);
    assert!(ranking.scores.len() == 6 && ranking.scores.iter().all(|s| s.is_finite()));
    // Points fill their space.
    let moons = open("diffusion");
    let score =
        moons.score(&data("diffusion", 4), &Request::seed(1).set("draws", 2), &control).unwrap();
    assert_eq!(score.kind(), LikelihoodKind::Exact);
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

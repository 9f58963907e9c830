//! Masks of the sampling chain equal those of `transformers`.

use pyrogen_autoregressive::sampling::{Chain, Memory, Step};

use super::*;

#[test]
fn masks_equal_transformers() {
    let all = json("warpers.json");
    let mut compared = 0;
    for case in all["cases"].as_array().unwrap() {
        let logits: Vec<f32> = numbers(&case["logits"]).iter().map(|&v| v as f32).collect();
        let before: Vec<u32> = numbers(&case["before"]).iter().map(|&t| t as u32).collect();
        for result in case["results"].as_array().unwrap() {
            let step: Step = serde_json::from_value(result["step"].clone()).unwrap();
            let mut got = logits.clone();
            Chain(vec![step]).apply(&mut got, &before, &mut Memory::default());
            let left: Vec<f64> =
                (0..got.len()).filter(|&i| got[i].is_finite()).map(|i| i as f64).collect();
            assert_eq!(left, numbers(&result["left"]), "{}", result["step"]);
            if result.get("logits").is_some() {
                let got: Vec<f64> = got.iter().map(|&v| f64::from(v)).collect();
                // Six digits in the fixture.
                assert!(difference(&got, &numbers(&result["logits"])) < 1e-5, "{}", result["step"]);
            }
            compared += 1;
        }
    }
    assert!(compared > 80, "{compared}");
}

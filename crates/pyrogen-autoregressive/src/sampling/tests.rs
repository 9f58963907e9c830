use super::*;

fn logits() -> Vec<f32> {
    // Probabilities 0.5, 0.25, 0.125, 0.0625, 0.0625.
    [8f32, 4.0, 2.0, 1.0, 1.0].iter().map(|v| v.ln()).collect()
}

fn left(step: Step, before: &[u32]) -> Vec<usize> {
    let mut logits = logits();
    Chain(vec![step]).apply(&mut logits, before, &mut Memory::default());
    (0..5).filter(|&i| logits[i].is_finite()).collect()
}

#[test]
fn masks_are_what_the_definitions_say() {
    assert_eq!(left(Step::TopK(2), &[]), [0, 1]);
    // The fourth and the fifth are equal.
    assert_eq!(left(Step::TopK(4), &[]), [0, 1, 2, 3, 4]);
    assert_eq!(left(Step::TopP(0.49), &[]), [0]);
    assert_eq!(left(Step::TopP(0.51), &[]), [0, 1]);
    assert_eq!(left(Step::MinP(0.24), &[]), [0, 1, 2]);
    assert_eq!(left(Step::Temperature(0.0), &[]), [0]);
    // The entropy is 1.875 bits: the second token is nearest with 2, then the first, then the third.
    assert_eq!(left(Step::Typical(0.2), &[]), [1]);
    assert_eq!(left(Step::Typical(0.5), &[]), [0, 1]);
    assert_eq!(left(Step::Typical(0.8), &[]), [0, 1, 2]);
    // sqrt(0.3) exp(-1.2996) is 0.149.
    assert_eq!(left(Step::Eta(0.3), &[]), [0, 1]);
    assert_eq!(left(Step::NoRepeat(2), &[3, 0, 4, 3]), [1, 2, 3, 4]);
    assert_eq!(left(Step::NoRepeat(1), &[3, 0]), [1, 2, 4]);
}

#[test]
fn penalties_change_what_was_there() {
    let change = |step: Step, before: &[u32]| {
        let mut changed = logits();
        Chain(vec![step]).apply(&mut changed, before, &mut Memory::default());
        let pairs = changed.iter().zip(logits());
        pairs.map(|(a, b)| f64::from(*a - b)).collect::<Vec<_>>()
    };
    let near = |a: Vec<f64>, b: [f64; 5]| {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6), "{a:?} {b:?}");
    };
    near(change(Step::Frequency(0.5), &[1, 1, 3]), [0.0, -1.0, 0.0, -0.5, 0.0]);
    near(change(Step::Presence(0.5), &[1, 1, 3]), [0.0, -0.5, 0.0, -0.5, 0.0]);
    near(change(Step::Bias([(2, 1.5)].into()), &[]), [0.0, 0.0, 1.5, 0.0, 0.0]);
    let half = -(8f64.ln()) / 2.0;
    near(change(Step::Repetition(2.0), &[0, 3]), [half, 0.0, 0.0, 0.0, 0.0]);
    // `0 1 2` was there, followed by 3: after `0 1 2` a 3 makes a run of three come again.
    let dry = Dry { multiplier: 1.0, base: 2.0, allowed: 2, ..Dry::default() };
    near(change(Step::Dry(dry.clone()), &[0, 1, 2, 3, 4, 0, 1, 2]), [0.0, 0.0, 0.0, -2.0, 0.0]);
    let broken = Dry { breakers: [1].into(), ..dry };
    near(change(Step::Dry(broken), &[0, 1, 2, 3, 4, 0, 1, 2]), [0.0; 5]);
}

#[test]
fn a_number_falls_into_the_share_of_its_token() {
    let p = [0.5, 0.0, 0.25, 0.25, 0.0];
    for (u, token) in [(0.0, 0), (0.49, 0), (0.5, 2), (0.74, 2), (0.75, 3), (0.999_999, 3)] {
        assert_eq!(pick(&p, u), token, "{u}");
    }
    // Rounding may leave the sum below one.
    assert_eq!(pick(&[0.3, 0.3, 0.0], 0.9), 1);
}

#[test]
fn mirostat_comes_to_its_target() {
    // A hundred tokens with probabilities that fall as 1 / rank.
    let logits: Vec<f32> = (1..=100).map(|rank| -(rank as f32).ln()).collect();
    let target = 3.0;
    let chain = Chain(vec![Step::Mirostat(Mirostat { tau: target, eta: 0.1 })]);
    let mut memory = Memory::default();
    let mut noise = pyrogen_core::Noise::new(pyrogen_core::Seed(5));
    let (mut sum, count) = (0.0, 2000);
    for u in noise.uniform_vec(count) {
        let mut now = logits.clone();
        chain.apply(&mut now, &[], &mut memory);
        let (_, p) = chain.draw(&now, u, &mut memory).unwrap();
        sum -= p.log2();
    }
    let mean = sum / count as f64;
    assert!((mean - target).abs() < 0.1, "{mean} bits");
}

#[test]
fn what_cannot_be_drawn_is_an_error() {
    let chain = Chain::default();
    for bad in [vec![OUT; 3], vec![0.0, f32::NAN], vec![f32::INFINITY, 0.0]] {
        assert!(chain.draw(&bad, 0.5, &mut Memory::default()).is_err());
    }
    for (step, name) in [
        (Step::TopP(0.0), "top_p"),
        (Step::Temperature(-1.0), "temperature"),
        (Step::TopK(0), "top_k"),
        (Step::Eta(1.0), "eta"),
        (Step::Repetition(0.0), "repetition_penalty"),
        (Step::Mirostat(Mirostat { tau: 0.0, eta: 0.1 }), "mirostat.tau"),
    ] {
        let text = Chain(vec![step]).validate().unwrap_err().to_string();
        assert!(text.contains(&format!("`{name}`")), "{text}");
    }
    let json = r#"[{"temperature": 0.8}, {"top_k": 40}, {"mirostat": {"tau": 3}}]"#;
    let chain: Chain = serde_json::from_str(json).unwrap();
    assert_eq!(chain.0[1], Step::TopK(40));
}

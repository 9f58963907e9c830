//! Not kept.
use pyrogen_core::{Noise, Seed};
use pyrogen_topic::*;
fn bars(alpha: f64) -> Topics {
    let bar = |k: usize, w: usize| if k < 5 { w / 5 == k } else { w % 5 == k - 5 };
    let p = |k: usize, w: usize| if bar(k, w) { 0.2 } else { 0.0 };
    Topics::new(vec![alpha; 10], (0..10).flat_map(|k| (0..25).map(move |w| p(k, w))).collect(), 25)
        .unwrap()
}
fn made_by(t: &Topics, n: usize, tokens: u32, seed: u64) -> Corpus {
    let noise = Noise::new(Seed(seed));
    let length = |d: usize| if d % 20 == 7 { 0 } else { tokens / 2 + (d as u32 * 37) % tokens };
    Corpus::new(25, &(0..n).map(|d| t.document(&noise, d as u64, length(d))).collect::<Vec<_>>())
        .unwrap()
}
fn rec(f: &Topics, t: &Topics) -> usize {
    let o = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x.min(*y)).sum::<f64>();
    (0..t.len()).filter(|k| (0..f.len()).any(|j| o(f.topic(j), t.topic(*k)) > 0.9)).count()
}
fn main() {
    let truth = bars(0.15);
    let mut alpha = vec![0.05; 10];
    alpha[3] = 1.0;
    let rare =
        Topics::new(alpha, (0..10).flat_map(|k| truth.topic(k).to_vec()).collect(), 25).unwrap();
    for (name, t, n) in [("bars", &truth, 500), ("rare", &rare, 800)] {
        let corpus = made_by(t, n, 60, 1);
        for sampler in [Sampler::Parallel, Sampler::Collapsed] {
            for sweeps in [100, 250, 1000] {
                let r: Vec<_> = (0..4)
                    .map(|s| {
                        let c = GibbsConfig { topics: 10, sampler, ..Default::default() };
                        let mut f =
                            Gibbs::new(c, &corpus, Guide::default(), &Noise::new(Seed(s))).unwrap();
                        for _ in 0..sweeps {
                            f.sweep(&corpus).unwrap();
                        }
                        (
                            rec(&f.topics(&corpus).unwrap(), t),
                            f.log_joint(&corpus).unwrap() as i64,
                            (f.beta() * 1000.0) as i64,
                        )
                    })
                    .collect();
                println!("{name} {sampler:?} {sweeps}: {r:?}");
            }
        }
        for (burn, alpha, eta) in [
            (1000, 0.2, 0.1),
            (20, 0.2, 0.1),
            (50, 0.2, 0.1),
            (1000, 0.1, 0.1),
            (1000, 0.2, 0.02),
            (50, 0.1, 0.02),
            (50, 1.0, 0.5),
        ] {
            for online in [None, Some(Online { batch_size: 50, ..Default::default() })] {
                let r: Vec<_> = (0..4)
                    .map(|s| {
                        let c = VariationalConfig {
                            topics: 10,
                            alpha: Some(alpha),
                            eta: Some(eta),
                            burn_in: burn,
                            online,
                            ..Default::default()
                        };
                        let mut f = Variational::new(c, &corpus, &Noise::new(Seed(s))).unwrap();
                        let mut b = 0.0;
                        for _ in 0..150 {
                            b = f.pass(&corpus).unwrap().bound;
                        }
                        (
                            rec(&f.topics(), t),
                            b as i64,
                            (f.eta() * 1000.0) as i64,
                            (f.alpha()[0] * 1000.0) as i64,
                        )
                    })
                    .collect();
                println!(
                    "{name} vb burn {burn} alpha {alpha} eta {eta} online {}: {r:?}",
                    online.is_some()
                );
            }
        }
    }
}

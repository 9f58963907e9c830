//! The Fréchet distance between two sets of features.

use burn::tensor::Tensor;
use pyrogen::metrics::{Features, GaussianSums};

use crate::workload::{Plan, Workload, noise, plain};

/// Rows of a part.
const PART: usize = 1000;

struct Distance {
    sets: [Tensor<2>; 2],
}

/// Two sets of 10,000 rows of 2,048 features in f32, part by part to the distance in f64.
pub fn build(plan: Plan) -> Box<dyn Workload> {
    let mut noise = noise("frechet");
    let shape = plan.pick([10_000, 2048], [50, 4]);
    let mut set = |scale: f64, shift: f64| noise.normal(shape, &plain()) * scale + shift;
    Box::new(Distance { sets: [set(1.0, 0.0), set(1.2, 0.1)] })
}

impl Workload for Distance {
    fn run(&mut self) -> f64 {
        let [real, generated] = self.sets.clone().map(|set| {
            let mut sums = GaussianSums::default();
            for part in set.split(PART, 0) {
                let features = Features::from_tensor(part).expect("finite features");
                sums.add(&features).expect("parts of one width");
            }
            sums.fit().expect("more than two rows")
        });
        real.frechet(&generated).expect("two sets of one width").distance()
    }
}

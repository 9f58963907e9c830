//! Every model of `pyrogen-vae` as the digits of 8x8 train it: a training step, and samples.

use burn::tensor::Tensor;
use pyrogen::core::{Batch, Noise, Objective, Sample, SampleOptions, Seed};
use pyrogen::nn::{ConvConfig, Network};
use pyrogen::vae::{
    BetaTc, Factor, Info, LadderConfig, LadderVae, Prior, Vae, VaeConfig, VaeObjective, VqConfig,
    VqNetwork, VqVae, Wae,
};

use crate::rows::Row;
use crate::vae::train;
use crate::workload::{Plan, Workload, first, noise, plain};

/// Training steps on batches of 64, and 1,000 samples, of each model with its default settings.
pub fn rows() -> Vec<Row> {
    let row = |name, trains, build| Row { name, trains, build };
    vec![
        row("train/vae", true, (|p| step(p, vae(p))) as fn(Plan) -> Box<dyn Workload>),
        row("train/iwae", true, |p| step(p, iwae(p))),
        row("train/beta-tc-vae", true, |p| step(p, beta_tc(p))),
        row("train/factor-vae", true, |p| step(p, factor(p))),
        row("train/info-vae", true, |p| step(p, info(p))),
        row("train/wae", true, |p| step(p, wae(p))),
        row("train/vamp-vae", true, |p| step(p, vamp(p))),
        row("train/ladder-vae", true, |p| step(p, ladder(p))),
        row("train/vq-vae", true, |p| step(p, quantised(p))),
        // The methods between share the model and its sampling.
        row("sample/vae", false, |p| draw(p, vae(p))),
        row("sample/vamp-vae", false, |p| draw(p, vamp(p))),
        row("sample/ladder-vae", false, |p| draw(p, ladder(p))),
        row("sample/vq-vae", false, |p| draw(p, quantised(p))),
    ]
}

fn network(plan: Plan) -> Network {
    let tiny = ConvConfig { channels: vec![4], hidden: vec![8], ..ConvConfig::default() };
    Network::Conv(plan.pick(ConvConfig::default(), tiny))
}

fn flat(plan: Plan, objective: VaeObjective, prior: Prior) -> Vae {
    let network = network(plan);
    let latents = plan.pick(16, 2);
    let config = VaeConfig { latents, network, objective, prior, ..VaeConfig::default() };
    config.init(Seed(1), &plain()).expect("a valid config")
}

fn vae(plan: Plan) -> Vae {
    flat(plan, VaeObjective::Elbo, Prior::Standard)
}

fn iwae(plan: Plan) -> Vae {
    flat(plan, VaeObjective::Iwae { samples: 5 }, Prior::Standard)
}

fn beta_tc(plan: Plan) -> Vae {
    let tc = BetaTc { examples: 1294, ..BetaTc::default() }; // as the demo has
    flat(plan, VaeObjective::BetaTc(tc), Prior::Standard)
}

fn factor(plan: Plan) -> Vae {
    flat(plan, VaeObjective::Factor(Factor::default()), Prior::Standard)
}

fn info(plan: Plan) -> Vae {
    flat(plan, VaeObjective::Info(Info::default()), Prior::Standard)
}

fn wae(plan: Plan) -> Vae {
    flat(plan, VaeObjective::Wae(Wae::default()), Prior::Standard)
}

fn vamp(plan: Plan) -> Vae {
    flat(plan, VaeObjective::Elbo, Prior::Vamp { components: plan.pick(100, 3) })
}

fn ladder(plan: Plan) -> LadderVae {
    let (latents, width) = (plan.pick(vec![16, 8], vec![3, 2]), plan.pick(128, 8));
    let config = LadderConfig { latents, width, network: network(plan), ..LadderConfig::default() };
    config.init(Seed(1), &plain()).expect("a valid config")
}

fn quantised(plan: Plan) -> VqVae {
    let VqConfig { network, codes, .. } = VqConfig::default();
    let tiny = VqNetwork::Conv { channels: vec![4], activation: Default::default() };
    let (network, codes) = plan.pick((network, codes), (tiny, 8));
    let config = VqConfig { network, codes, ..VqConfig::default() };
    config.init(Seed(1), &plain()).expect("a valid config")
}

fn step<O>(plan: Plan, model: O) -> Box<dyn Workload>
where
    O: Objective<Batch = Batch<2>> + Send + Sync + 'static,
{
    train(model, plan, plan.pick(64, 8), 64)
}

struct Draw<M> {
    model: M,
    n: usize,
    noise: Noise,
}

fn draw<M: Sample<4> + 'static>(plan: Plan, model: M) -> Box<dyn Workload> {
    Box::new(Draw { model, n: plan.pick(1000, 3), noise: noise("models") })
}

impl<M: Sample<4>> Workload for Draw<M> {
    fn run(&mut self) -> f64 {
        let pictures: Tensor<4> =
            self.model.sample(self.n, &SampleOptions::default(), &mut self.noise).expect("samples");
        first(pictures)
    }
}

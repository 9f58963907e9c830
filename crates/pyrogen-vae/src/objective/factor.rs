//! FactorVAE: total correlation by density ratio.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::log_sigmoid;
use pyrogen_core::{ConfigError, Loss};
use pyrogen_nn::{Activation, Mlp, MlpConfig};
use serde::{Deserialize, Serialize};

use super::Pass;
use pyrogen_core::config::check::not_negative;

/// FactorVAE: the evidence lower bound with a penalty on the dependence between the latents, which
/// a discriminator measures (Kim and Mnih 2018, eq. 3 and algorithm 2).
///
/// ```text
/// total_correlation = mean_b D(z_b)
/// discriminator     = -1/2 mean_b (ln sigmoid(D(z_b)) + ln sigmoid(-D(z'_b)))
/// total = reconstruction + kl + gamma total_correlation + discriminator
/// ```
///
/// `D` gives the log-odds that `z` is a draw from `q(z)` and not from the product of its marginals,
/// of which `z'`, the batch's `z` with each dimension shuffled by itself, is a sample. At the best
/// discriminator `total_correlation` is `KL(q(z) || prod_j q(z_j))`.
///
/// One backward pass trains both players: `discriminator` sees latents that are cut from the
/// encoder, `total_correlation` sees a discriminator whose weights are constants. The loss of the
/// discriminator is a part of the total that is reported, `ln 2` where it can tell nothing.
///
/// The paper draws `z'` from a second batch; here it is made of the same batch, as in common
/// implementations. Both players share the optimiser and its rate.
///
/// # References
/// Kim and Mnih (2018), "Disentangling by Factorising".
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Factor {
    /// Weight of the total correlation.
    pub gamma: f64,
    /// The discriminator.
    pub discriminator: MlpConfig,
}

impl Default for Factor {
    /// Weight 10, and a discriminator of three layers of 256 units with leaky rectifiers of slope
    /// 0.2; the paper's has six of 1000.
    fn default() -> Self {
        let activation = Activation::LeakyRelu { slope: 0.2 };
        Self { gamma: 10.0, discriminator: MlpConfig { hidden: vec![256; 3], activation } }
    }
}

impl Factor {
    pub(super) fn validate(&self, at: impl Fn(&str) -> String) -> Result<(), ConfigError> {
        not_negative(&at("gamma"), self.gamma)?;
        self.discriminator.validate(&at("discriminator"))
    }

    pub(super) fn loss(&self, pass: &Pass, discriminator: &Mlp) -> Loss {
        let z = pass.points.z.clone();
        let constant = discriminator.clone().no_grad();
        let correlation = constant.forward(z.clone()).mean();
        let z = z.detach();
        let keys = pass.more.clone().expect("draws for the orders");
        let shuffled = shuffle(z.clone(), keys);
        let joint = log_sigmoid(discriminator.forward(z)).mean();
        let product = log_sigmoid(discriminator.forward(shuffled).neg()).mean();
        Loss::new()
            .term("reconstruction", pass.reconstruction())
            .term("kl", pass.mean_kl())
            .weighted("total_correlation", correlation, self.gamma)
            .term("discriminator", (joint + product) * -0.5)
    }
}

/// Each column in the order of its keys.
fn shuffle(z: Tensor<2>, keys: Tensor<2>) -> Tensor<2> {
    z.gather(0, keys.argsort(0))
}

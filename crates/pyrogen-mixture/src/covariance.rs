//! What the covariances of the components share.

use serde::{Deserialize, Serialize};

/// What the covariances of the components share: volume, shape and orientation, each equal for all
/// components (`E`), varying (`V`) or the identity (`I`).
///
/// ```text
/// covariance_k = volume_k * axes_k diag(shape_k) axes_k^T,   prod(shape_k) = 1
/// ```
///
/// The three letters are for volume, shape and axes, as in mclust. The four common types are
/// [`FULL`](Self::FULL), [`TIED`](Self::TIED), [`DIAGONAL`](Self::DIAGONAL) and
/// [`SPHERICAL`](Self::SPHERICAL).
///
/// # References
/// Banfield and Raftery (1993); Celeux and Govaert (1995), "Gaussian parsimonious clustering models",
/// Table 1; Fraley and Raftery (2002).
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum CovarianceModel {
    /// `v I`: spheres of one size.
    EII,
    /// `v_k I`: spheres.
    #[serde(alias = "spherical")]
    VII,
    /// `v diag(s)`: one diagonal for all.
    EEI,
    /// `v_k diag(s)`: diagonals of one shape.
    VEI,
    /// `v diag(s_k)`: diagonals of one volume.
    EVI,
    /// `v_k diag(s_k)`: a diagonal each.
    #[serde(alias = "diagonal")]
    VVI,
    /// `v Q diag(s) Q^T`: one matrix for all.
    #[serde(alias = "tied")]
    EEE,
    /// `v_k Q diag(s) Q^T`: one matrix in several sizes.
    VEE,
    /// `v Q diag(s_k) Q^T`: common axes, one volume.
    EVE,
    /// `v_k Q diag(s_k) Q^T`: common axes.
    VVE,
    /// `v Q_k diag(s) Q_k^T`: one ellipsoid in several orientations.
    EEV,
    /// `v_k Q_k diag(s) Q_k^T`: one shape.
    VEV,
    /// `v Q_k diag(s_k) Q_k^T`: one volume.
    EVV,
    /// `v_k Q_k diag(s_k) Q_k^T`: a matrix each.
    #[default]
    #[serde(alias = "full")]
    VVV,
}

impl CovarianceModel {
    /// A covariance matrix for each component.
    pub const FULL: Self = Self::VVV;
    /// One covariance matrix for all components.
    pub const TIED: Self = Self::EEE;
    /// Variances of each column in each component.
    pub const DIAGONAL: Self = Self::VVI;
    /// One variance for each component.
    pub const SPHERICAL: Self = Self::VII;

    /// All models, from the fewest parameters to the most.
    pub const ALL: [Self; 14] = [
        Self::EII,
        Self::VII,
        Self::EEI,
        Self::VEI,
        Self::EVI,
        Self::VVI,
        Self::EEE,
        Self::VEE,
        Self::EVE,
        Self::VVE,
        Self::EEV,
        Self::VEV,
        Self::EVV,
        Self::VVV,
    ];

    /// Whether columns depend on each other within a component.
    pub fn is_dense(self) -> bool {
        !matches!(self, Self::EII | Self::VII | Self::EEI | Self::VEI | Self::EVI | Self::VVI)
    }

    /// Free parameters of the covariances of `k` components in `d` columns (Celeux and Govaert 1995,
    /// Table 1).
    ///
    /// ```
    /// use pyrogen_mixture::CovarianceModel;
    ///
    /// assert_eq!(CovarianceModel::FULL.parameters(3, 4), 3 * 10);
    /// assert_eq!(CovarianceModel::TIED.parameters(3, 4), 10);
    /// assert_eq!(CovarianceModel::VEV.parameters(3, 4), 3 * 10 - 2 * 3);
    /// ```
    pub fn parameters(self, k: usize, d: usize) -> usize {
        if d == 0 {
            return 0;
        }
        let axes = d * (d - 1) / 2;
        let (volumes, shapes, orientations) = match self {
            Self::EII => (1, 0, 0),
            Self::VII => (k, 0, 0),
            Self::EEI => (1, 1, 0),
            Self::VEI => (k, 1, 0),
            Self::EVI => (1, k, 0),
            Self::VVI => (k, k, 0),
            Self::EEE => (1, 1, 1),
            Self::VEE => (k, 1, 1),
            Self::EVE => (1, k, 1),
            Self::VVE => (k, k, 1),
            Self::EEV => (1, 1, k),
            Self::VEV => (k, 1, k),
            Self::EVV => (1, k, k),
            Self::VVV => (k, k, k),
        };
        volumes + shapes * (d - 1) + orientations * axes
    }
}

impl std::fmt::Display for CovarianceModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Covariances of components in their shortest form, for [`Mixture::gaussian`](crate::Mixture::gaussian).
///
/// # Shapes
/// For `k` components in `d` columns, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum Covariances {
    /// `[k]`: one variance a component.
    Spherical(Vec<f64>),
    /// `[k, d]`: one variance a component and column.
    Diagonal(Vec<f64>),
    /// `[d, d]`: one matrix for all components.
    Tied(Vec<f64>),
    /// `[k, d, d]`: a matrix a component.
    Full(Vec<f64>),
}

impl Covariances {
    pub(crate) fn model(&self) -> CovarianceModel {
        match self {
            Self::Spherical(_) => CovarianceModel::SPHERICAL,
            Self::Diagonal(_) => CovarianceModel::DIAGONAL,
            Self::Tied(_) => CovarianceModel::TIED,
            Self::Full(_) => CovarianceModel::FULL,
        }
    }
}

//! Maps made of maps.

use burn::tensor::Tensor;

use super::Bijection;

/// First one map, then another. `Y` is the rank between them.
#[derive(Debug, Clone)]
pub struct Compose<F, G, const Y: usize> {
    first: F,
    second: G,
}

impl<F, G, const Y: usize> Compose<F, G, Y> {
    /// `second` of `first`.
    pub fn new(first: F, second: G) -> Self {
        Self { first, second }
    }
}

impl<F, G, const X: usize, const Y: usize, const Z: usize, const B: usize> Bijection<X, Z, B>
    for Compose<F, G, Y>
where
    F: Bijection<X, Y, B>,
    G: Bijection<Y, Z, B>,
{
    fn forward(&self, x: Tensor<X>) -> (Tensor<Z>, Tensor<B>) {
        let (y, first) = self.first.forward(x);
        let (z, second) = self.second.forward(y);
        (z, first + second)
    }

    fn inverse(&self, z: Tensor<Z>) -> (Tensor<X>, Tensor<B>) {
        let (y, second) = self.second.inverse(z);
        let (x, first) = self.first.inverse(y);
        (x, first + second)
    }
}

/// A list of maps of one rank, the first one first: the layers of a flow.
pub struct Chain<const X: usize, const B: usize> {
    maps: Vec<Box<dyn Bijection<X, X, B> + Send + Sync>>,
}

impl<const X: usize, const B: usize> std::fmt::Debug for Chain<X, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chain of {} maps", self.maps.len())
    }
}

impl<const X: usize, const B: usize> Chain<X, B> {
    /// From its maps.
    ///
    /// # Panics
    /// Without a map.
    pub fn new(maps: Vec<Box<dyn Bijection<X, X, B> + Send + Sync>>) -> Self {
        assert!(!maps.is_empty(), "Chain: no maps");
        Self { maps }
    }
}

impl<const X: usize, const B: usize> Bijection<X, X, B> for Chain<X, B> {
    fn forward(&self, x: Tensor<X>) -> (Tensor<X>, Tensor<B>) {
        let start = self.maps[0].forward(x);
        self.maps[1..].iter().fold(start, |(x, sum), map| {
            let (y, log_det) = map.forward(x);
            (y, sum + log_det)
        })
    }

    fn inverse(&self, y: Tensor<X>) -> (Tensor<X>, Tensor<B>) {
        let (last, others) = self.maps.split_last().expect("a map");
        others.iter().rev().fold(last.inverse(y), |(y, sum), map| {
            let (x, log_det) = map.inverse(y);
            (x, sum + log_det)
        })
    }
}

/// A map the other way round.
#[derive(Debug, Clone)]
pub struct Inverse<F>(pub F);

impl<F, const X: usize, const Y: usize, const B: usize> Bijection<Y, X, B> for Inverse<F>
where
    F: Bijection<X, Y, B>,
{
    fn forward(&self, y: Tensor<Y>) -> (Tensor<X>, Tensor<B>) {
        self.0.inverse(y)
    }

    fn inverse(&self, x: Tensor<X>) -> (Tensor<Y>, Tensor<B>) {
        self.0.forward(x)
    }
}

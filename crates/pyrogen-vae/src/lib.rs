//! Variational autoencoders: beta-VAE, IWAE bound, conditional, with Gaussian, Bernoulli and discretised-logistic decoders.

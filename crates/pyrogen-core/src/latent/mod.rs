//! Working in a latent space.

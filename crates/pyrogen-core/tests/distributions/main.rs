//! Distributions of numbers, special functions, divergences and bijections.

mod bijections;
mod case;
mod draws;
mod families;
mod kl;
mod properties;
mod special;
mod table;
mod vectors;

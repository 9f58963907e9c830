//! Distributions of numbers, special functions, divergences and bijections.

mod bijections;
mod draws;
mod families;
mod kl;
mod special;
mod table;
mod vectors;

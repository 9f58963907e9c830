//! Tests from outside: reference packages, enumeration, properties.

mod analysis;
mod chains;
mod enumeration;
mod fill;
mod gibbs;
mod learning;
mod ppm;
mod reference;
mod semi;
mod shakespeare;

//! Tests from outside: reference packages, enumeration, properties.

mod analysis;
mod chains;
mod enumeration;
mod gibbs;
mod learning;
mod reference;
mod semi;
mod shakespeare;

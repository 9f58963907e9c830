//! Schemes without options: `digits`, `mnist`, `idx`, `npy`.

use super::{Loaded, Reader, SourceText};
use crate::DataError;
use crate::read::{idx, mnist, npy};

macro_rules! plain_reader {
    ($name:ident, $scheme:literal, $place:literal, $about:literal, $read:expr) => {
        pub(super) struct $name;

        impl Reader for $name {
            fn scheme(&self) -> &'static str {
                $scheme
            }

            fn place(&self) -> &'static str {
                $place
            }

            fn about(&self) -> &'static str {
                $about
            }

            fn read(&self, text: &SourceText) -> Result<Loaded, DataError> {
                let read: fn(&SourceText) -> Result<crate::Dataset, DataError> = $read;
                read(text).map(Loaded::from)
            }
        }
    };
}

plain_reader!(Digits, "digits", "", "the embedded handwritten digits", |_| Ok(crate::digits()));
plain_reader!(
    Mnist,
    "mnist",
    "DIR",
    "the four idx files of MNIST or its kin, gzip or not, with the test part",
    |text| mnist::load(text.place())
);
plain_reader!(Idx, "idx", "FILE", "one idx file, gzip or not", |text| idx::load(text.place()));
plain_reader!(Npy, "npy", "FILE", "an array whose first axis counts the examples", |text| {
    npy::load(text.place())
});

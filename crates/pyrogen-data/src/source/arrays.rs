//! Arrays and known sets: `digits`, `mnist`, `cifar`, `idx`, `npy`, `npz`.

use super::{Loaded, Reader, SourceText};
use crate::DataError;
use crate::read::arrays::{self, ArrayOptions};
use crate::read::{cifar, idx, mnist, npy, npz};

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
                let read: fn(&SourceText) -> Result<Loaded, DataError> = $read;
                read(text)
            }
        }
    };
}

plain_reader!(Digits, "digits", "", "the embedded handwritten digits", |_| Ok(Loaded::from(
    crate::digits()
)));
plain_reader!(
    Mnist,
    "mnist",
    "DIR",
    "the four idx files of MNIST or its kin, gzip or not, with the test part",
    |text| mnist::load(text.place()).map(Loaded::from)
);
plain_reader!(Idx, "idx", "FILE", "one idx file, gzip or not", |text| idx::load(text.place())
    .map(Loaded::from));
plain_reader!(
    Cifar,
    "cifar",
    "DIR",
    "the binary files of CIFAR-10 or CIFAR-100, with the test part",
    |text| cifar::load(text.place())
);

/// How arrays are read.
fn array_options(text: &SourceText) -> Result<ArrayOptions, DataError> {
    let range = text.value("range").map(|range| {
        let ends = range.split_once(':');
        let ends = ends.and_then(|(low, high)| Some([low.parse().ok()?, high.parse().ok()?]));
        let differ = |[low, high]: &[f32; 2]| (high - low).is_normal() && low.is_finite();
        ends.filter(differ)
            .ok_or_else(|| DataError::option(format!("range={range}"), "range=LOW:HIGH"))
    });
    const CHANNELS: [(&str, bool); 2] = [("first", false), ("last", true)];
    let channels_last = text.choice("channels", &CHANNELS)?;
    Ok(ArrayOptions { channels_last, range: range.transpose()? })
}

pub(super) struct Npy;

impl Reader for Npy {
    fn scheme(&self) -> &'static str {
        "npy"
    }

    fn place(&self) -> &'static str {
        "FILE"
    }

    fn options(&self) -> &'static [&'static str] {
        &["channels=first|last", "range=LOW:HIGH"]
    }

    fn about(&self) -> &'static str {
        "an array whose first axis counts the examples"
    }

    fn check(&self, text: &SourceText) -> Result<(), DataError> {
        array_options(text).map(|_| ())
    }

    fn read(&self, text: &SourceText) -> Result<Loaded, DataError> {
        let bytes = npy::read_bytes(text.place())?;
        arrays::load(text.place(), bytes, None, &array_options(text)?)
    }
}

pub(super) struct Npz;

impl Reader for Npz {
    fn scheme(&self) -> &'static str {
        "npz"
    }

    fn place(&self) -> &'static str {
        "FILE"
    }

    fn options(&self) -> &'static [&'static str] {
        &[
            "array=NAME",
            "labels=NAME",
            "test=NAME",
            "test_labels=NAME",
            "channels=first|last",
            "range=LOW:HIGH",
        ]
    }

    fn about(&self) -> &'static str {
        "an array of a zip of arrays"
    }

    fn check(&self, text: &SourceText) -> Result<(), DataError> {
        array_options(text).map(|_| ())
    }

    fn read(&self, text: &SourceText) -> Result<Loaded, DataError> {
        let names = npz::Names {
            array: text.value("array"),
            labels: text.value("labels"),
            test: text.value("test"),
            test_labels: text.value("test_labels"),
        };
        npz::load(text.place(), names, &array_options(text)?)
    }
}

//! Special functions of tensors, with gradients.
//!
//! | function | of | relative error in double precision |
//! |---|---|---|
//! | [`lgamma`], [`digamma`], [`lbeta`] | the gamma and beta functions | 1e-14, or 1e-15 absolute near a zero |
//! | [`erf`], [`erfc`], [`erfinv`] | the error function | 1e-14 |
//! | [`ndtr`], [`log_ndtr`], [`ndtri`] | the standard normal distribution | 1e-13, in both tails |
//! | [`log1mexp`] | `ln(1 - exp(-x))` | 1e-15 |
//! | [`log_bessel_i0`], [`bessel_ratio`] | modified Bessel functions | 1e-13 |
//! | [`gammainc`], [`gammaincc`] | the incomplete gamma function and its complement | 1e-12, each in its tail |
//! | [`betainc`] | the incomplete beta function | 1e-11 |
//!
//! Each is computed in double precision, whatever the tensors hold; results in f32 are the exact ones,
//! rounded. The gradients are those of the functions, by every argument, to 1e-9 or better. They are
//! of first order, as all of Burn's are: `digamma` is a function of its own, not the gradient of
//! `lgamma` differentiated once more.
//!
//! # Devices
//! The host computes. Tensors of other devices are read, which waits for the device, and the result is
//! uploaded. [`log1mexp`] is made of tensor operations there, in the tensor's own type.
//!
//! The functions of single numbers are in [`host`].
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use pyrogen_core::special;
//!
//! let device = Device::flex().autodiff();
//! let x = Tensor::<1>::from_floats([0.5, 4.0], &device).require_grad();
//! let y = special::lgamma(x.clone());
//! let expected = Tensor::from_floats([0.572_364_94, 1.791_759_5], &device);
//! assert!(y.clone().all_close(expected, None, None));
//! let slope = x.grad(&y.sum().backward()).expect("a gradient");
//! assert!(slope.all_close(special::digamma(x.inner()), None, None));
//! ```

pub mod host;

use burn::tensor::Tensor;

use crate::real::{Formula, Real, apply, functions};

/// Functions of tensors of one shape, or of shapes that broadcast.
macro_rules! of_tensors {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*): $formula:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name<const D: usize>($($arg: Tensor<D>),*) -> Tensor<D> {
            struct Of;
            impl Formula for Of {
                fn eval<R: Real>(&self, args: &[R]) -> R {
                    let f: fn(&[R]) -> R = $formula;
                    f(args)
                }
            }
            apply(concat!("special::", stringify!($name)), &Of, &[$($arg),*])
        }
    )*};
}

of_tensors! {
    /// The logarithm of the absolute value of the gamma function.
    lgamma(x): |a| functions::lgamma(a[0]);
    /// The derivative of [`lgamma`]. NaN at 0 and at negative integers.
    digamma(x): |a| functions::digamma(a[0]);
    /// `ln B(a, b) = lgamma(a) + lgamma(b) - lgamma(a + b)`, for positive arguments of any size.
    lbeta(a, b): |a| functions::lbeta(a[0], a[1]);
    /// The error function.
    erf(x): |a| functions::erf(a[0]);
    /// `1 - erf(x)`, with relative accuracy in the upper tail.
    erfc(x): |a| functions::erfc(a[0]);
    /// The inverse of [`erf`]; infinite at -1 and 1, NaN beyond.
    erfinv(y): |a| functions::erfinv(a[0]);
    /// The standard normal distribution function, with relative accuracy in the lower tail.
    ndtr(x): |a| functions::ndtr(a[0]);
    /// `ln(ndtr(x))`, without underflow.
    log_ndtr(x): |a| functions::log_ndtr(a[0]);
    /// The inverse of [`ndtr`]; infinite at 0 and 1, NaN beyond.
    ndtri(p): |a| functions::ndtri(a[0]);
    /// `ln(1 - exp(-x))` for positive `x`.
    log1mexp(x): |a| a[0].log1mexp();
    /// `ln I_0(x)` for `x >= 0`, without overflow.
    log_bessel_i0(x): |a| a[0] + functions::log_bessel_i0e(a[0]);
    /// `I_1(x) / I_0(x)` for `x >= 0`.
    bessel_ratio(x): |a| functions::bessel_ratio(a[0]);
    /// The regularised lower incomplete gamma function `P(a, x)`, for `a > 0` and `x >= 0`.
    gammainc(a, x): |a| functions::gamma_lower(a[0], a[1]);
    /// Its complement `Q(a, x) = 1 - P(a, x)`, with relative accuracy in the upper tail.
    gammaincc(a, x): |a| functions::gamma_upper(a[0], a[1]);
    /// The regularised incomplete beta function `I_x(a, b)`, for `a, b > 0` and `x` in [0, 1].
    betainc(a, b, x): |a| functions::beta_lower(a[0], a[1], a[2], a[2].under_from(1.0));
}

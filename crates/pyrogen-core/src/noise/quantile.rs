//! The quantile function of the standard normal distribution.

use pulp::NullaryFnOnce;

use super::open_unit_f64;

/// Draws whose quantiles are worked out at a time.
const BLOCK: usize = 256;

/// The quantiles of as many draws, in single precision: bit for bit those of [`normal_quantile`].
///
/// 85 of 100 draws lie in the centre, whose formula is worked out for all of them in wide vectors; the
/// others are done again.
pub(super) fn fill_normal(out: &mut [f32], mut next: impl FnMut() -> u64) {
    let mut draws = [0.0; BLOCK];
    for out in out.chunks_mut(BLOCK) {
        let draws = &mut draws[..out.len()];
        draws.fill_with(|| open_unit_f64(next()));
        pulp::Arch::new().dispatch(Centre { draws, out });
        for (out, &p) in out.iter_mut().zip(&*draws) {
            if (p - 0.5).abs() > CENTRAL {
                *out = normal_quantile(p) as f32;
            }
        }
    }
}

/// The formula of the centre; a type and not a closure, so that it is compiled for the processor at hand.
struct Centre<'a> {
    draws: &'a [f64],
    out: &'a mut [f32],
}

impl NullaryFnOnce for Centre<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (out, p) in self.out.iter_mut().zip(self.draws) {
            *out = centre(p - 0.5) as f32;
        }
    }
}

/// How far from 0.5 the centre reaches.
const CENTRAL: f64 = 0.425;

#[inline(always)]
fn centre(q: f64) -> f64 {
    q * ratio(0.180625 - q * q, &CENTRE)
}

/// The number below which a standard normal draw falls with probability `p`.
///
/// # Numerics
/// Relative error about 1e-16 for `p` in (0, 1); `-inf` at 0, `inf` at 1, NaN outside. Its own
/// code and not a library's because the noise stream promises the same values for ever.
///
/// # References
/// Wichura, M. J. (1988), "Algorithm AS 241: The Percentage Points of the Normal Distribution",
/// Applied Statistics 37, routine PPND16.
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= CENTRAL {
        return centre(q);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail.is_nan() || tail < 0.0 {
        return f64::NAN;
    }
    if tail == 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = (-tail.ln()).sqrt();
    let magnitude = if r <= 5.0 { ratio(r - 1.6, &MIDDLE) } else { ratio(r - 5.0, &FAR) };
    magnitude.copysign(q)
}

/// Numerator and denominator of a rational function, highest power first.
type Rational = ([f64; 8], [f64; 8]);

#[inline(always)]
fn ratio(r: f64, (num, den): &Rational) -> f64 {
    let horner = |c: &[f64; 8]| c.iter().fold(0.0, |acc, &a| acc * r + a);
    horner(num) / horner(den)
}

const CENTRE: Rational = (
    [
        2.509_080_928_730_122_6e3,
        3.343_057_558_358_813e4,
        6.726_577_092_700_87e4,
        4.592_195_393_154_987e4,
        1.373_169_376_550_946e4,
        1.971_590_950_306_551_3e3,
        1.331_416_678_917_843_8e2,
        3.387_132_872_796_366_5,
    ],
    [
        5.226_495_278_852_854e3,
        2.872_908_573_572_194_3e4,
        3.930_789_580_009_271e4,
        2.121_379_430_158_659_7e4,
        5.394_196_021_424_751e3,
        6.871_870_074_920_579e2,
        4.231_333_070_160_091e1,
        1.0,
    ],
);

const MIDDLE: Rational = (
    [
        7.745_450_142_783_414e-4,
        2.272_384_498_926_918_4e-2,
        2.417_807_251_774_506e-1,
        1.270_458_252_452_368_4,
        3.647_848_324_763_204_5,
        5.769_497_221_460_691,
        4.630_337_846_156_546,
        1.423_437_110_749_683_5,
    ],
    [
        1.050_750_071_644_416_8e-9,
        5.475_938_084_995_345e-4,
        1.519_866_656_361_645_7e-2,
        1.481_039_764_274_800_8e-1,
        6.897_673_349_851e-1,
        1.676_384_830_183_803_8,
        2.053_191_626_637_759,
        1.0,
    ],
);

const FAR: Rational = (
    [
        2.010_334_399_292_288_1e-7,
        2.711_555_568_743_487_6e-5,
        1.242_660_947_388_078_4e-3,
        2.653_218_952_657_612_4e-2,
        2.965_605_718_285_048_7e-1,
        1.784_826_539_917_291_3,
        5.463_784_911_164_114,
        6.657_904_643_501_103,
    ],
    [
        2.044_263_103_389_939_8e-15,
        1.421_511_758_316_446e-7,
        1.846_318_317_510_054_8e-5,
        7.868_691_311_456_133e-4,
        1.487_536_129_085_061_5e-2,
        1.369_298_809_227_358e-1,
        5.998_322_065_558_88e-1,
        1.0,
    ],
);

#[cfg(test)]
mod tests {
    use super::normal_quantile;

    /// AS 241 promises about 16 digits.
    const RELATIVE: f64 = 1e-14;

    #[test]
    fn equals_scipy_ndtri() {
        // scipy 1.17.1, scipy.special.ndtri.
        for (p, expected) in [
            (1e-300, -37.047_096_299_361_2),
            (1e-10, -6.361_340_902_404_056),
            (0.01, -2.326_347_874_040_840_8),
            (0.3, -0.524_400_512_708_041),
            (0.5, 0.0),
            (0.6, 0.253_347_103_135_799_7),
            (0.93, 1.475_791_028_179_170_7),
            (0.999_999, 4.753_424_308_817_087),
        ] {
            let got = normal_quantile(p);
            assert!(
                (got - expected).abs() <= RELATIVE * f64::abs(expected),
                "{p}: {got} {expected}"
            );
        }
    }

    #[test]
    fn edges() {
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(-0.1).is_nan());
        assert!(normal_quantile(1.1).is_nan());
    }
}

//! An exponential for loops.

/// `exp(x)` in a form that compilers turn into vector instructions: below -708 it is 0, and `x` must
/// not exceed 700.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`, and a polynomial of degree 13 for `exp(r)`, whose
/// remainder is below half a unit in the last place.
#[inline(always)]
pub fn exp_in_loops(x: f64) -> f64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52: adding it rounds to an integer
    const HI: f64 = 0.693_147_180_369_123_8;
    const LO: f64 = 1.908_214_929_270_587_7e-10;
    let clamped = if x > -708.0 { x } else { -708.0 };
    let shifted = clamped * std::f64::consts::LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = (clamped - n * HI) - n * LO;
    let mut p = 1.605_904_383_682_161_5e-10;
    for c in [
        2.087_675_698_786_81e-9,
        2.505_210_838_544_172e-8,
        2.755_731_922_398_589_3e-7,
        2.755_731_922_398_589e-6,
        2.480_158_730_158_73e-5,
        1.984_126_984_126_984e-4,
        1.388_888_888_888_889e-3,
        8.333_333_333_333_333e-3,
        4.166_666_666_666_666_4e-2,
        1.666_666_666_666_666_6e-1,
        0.5,
        1.0,
        1.0,
    ] {
        p = p * r + c;
    }
    let scale = f64::from_bits((shifted.to_bits().wrapping_add(1023)) << 52);
    if x > -708.0 { p * scale } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exact_to_a_unit_in_the_last_place() {
        for i in 0..200_000 {
            let x = 5.0 - 0.0035 * f64::from(i) - 1e-7 * f64::from(i % 1013);
            let (ours, truth) = (exp_in_loops(x), x.exp());
            assert!((ours - truth).abs() <= 2.5e-16 * truth, "{x}: {ours} {truth}");
        }
        assert_eq!(
            (exp_in_loops(0.0), exp_in_loops(f64::NEG_INFINITY), exp_in_loops(-709.0)),
            (1.0, 0.0, 0.0)
        );
    }
}

"""Writes tests/fixtures/special.json: special functions and their derivatives, from mpmath.

    pip install mpmath==1.3.0 scipy==1.17.1 numpy==2.4.6
    python crates/pyrogen-core/scripts/reference_special.py

Each function has rows `[arguments.., results..]`. mpmath computes with 60 digits from the definitions
(integrals, hypergeometric series); derivatives by its numeric differentiation at that precision.
Where scipy has the function, its double-precision result is compared loosely, against slips.
"""

import json
import pathlib

import mpmath as mp
import numpy as np
import scipy.special as sc
import scipy.stats as st

mp.mp.dps = 60
OUT = pathlib.Path(__file__).parent.parent / "tests" / "fixtures" / "special.json"


def close(mine, scipys, rtol=1e-6):
    if np.isfinite(scipys) and abs(float(mine)) > 1e-250:
        np.testing.assert_allclose(float(mine), scipys, rtol=rtol, atol=1e-290)


def row(*numbers):
    return [float(v) for v in numbers]


def lgamma():
    for x in [1e-100, 1e-8, 1e-3, 0.1, 0.5, 0.999999, 1.0 + 2.0**-30, 1.4616321449683622, 1.99999, 2.0000001, 3.5, 11.9,
              12.1, 40, 1e3, 1e5, 1e10, -0.5, -3.3]:
        m = mp.mpf(x)
        value = mp.log(abs(mp.gamma(m))) if x < 1e6 else mp.loggamma(m)
        slope = mp.digamma(m)
        close(value, sc.gammaln(x))
        yield row(x, value, slope, mp.polygamma(1, m))


def log_ndtr():
    for x in [-1e5, -300, -38, -30, -20, -12.3, -5, -1.01, -0.99, -0.1, 0, 0.3, 1, 2.5, 6, 9, 30]:
        m = mp.mpf(x)
        value = mp.log(mp.erfc(-m / mp.sqrt(2)) / 2) if x < 8 else mp.log1p(-mp.erfc(m / mp.sqrt(2)) / 2)
        slope = mp.exp(-m * m / 2 - value) / mp.sqrt(2 * mp.pi)
        close(value, sc.log_ndtr(x))
        yield row(x, value, slope)


def erfcx():
    for x in [-5, -1, -1e-3, 0, 1e-10, 0.3, 1, 3, 7.7, 11.99, 12.01, 25, 1e3, 1e10]:
        m = mp.mpf(x)
        value = mp.exp(m * m) * mp.erfc(m) if x < 1e3 else 1 / (m * mp.sqrt(mp.pi)) * (1 - 1 / (2 * m * m) + 3 / (4 * m**4))
        close(value, sc.erfcx(x))
        yield row(x, value)


def erfinv():
    for y in [1e-300, 1e-12, 1e-3, 0.1, 0.5, 0.7, 0.89, 0.91, 0.999, 1 - 2.0**-40, -0.3, -0.99]:
        # Newton's method from scipy's result.
        x = mp.mpf(float(sc.erfinv(y)))
        for _ in range(4):
            x -= (mp.erf(x) - mp.mpf(y)) * mp.sqrt(mp.pi) / 2 * mp.exp(x * x)
        yield row(y, x, mp.sqrt(mp.pi) / 2 * mp.exp(x * x))


def log1mexp():
    for x in [1e-300, 1e-20, 1e-5, 0.3, 0.69, 0.7, 2, 30, 100, 700]:
        m = mp.mpf(x)
        yield row(x, mp.log(-mp.expm1(-m)), 1 / mp.expm1(m))


def lbeta():
    for a, b in [(1e-3, 1e-3), (1e-3, 1e5), (0.5, 0.5), (0.5, 5e4), (2, 3), (9.9, 10.1), (11, 12), (1e5, 1e5), (1e5, 0.3),
                 (1e-20, 5), (30, 1e8)]:
        value = mp.log(mp.beta(a, b)) if a + b < 1e6 else mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(mp.mpf(a) + b)
        close(value, sc.betaln(a, b))
        both = mp.digamma(mp.mpf(a) + b)
        yield row(a, b, value, mp.digamma(a) - both, mp.digamma(b) - both)


def deviance():
    for x, m in [(0, 3), (1, 1), (1e5, 1e5 + 1), (1e5, 99000), (3, 3.0001), (1e-3, 7), (50, 1e-3), (7, 8), (1e5, 1.3e5)]:
        x_, m_ = mp.mpf(x), mp.mpf(m)
        yield row(x, m, (x_ * mp.log(x_ / m_) if x else 0) + m_ - x_)


def gamma_p(a, x):
    """P(a, x) as a function that mpmath differentiates: the series, which converges for every x."""
    return x**a * mp.exp(-x) / mp.gamma(a + 1) * mp.hyp1f1(1, a + 1, x)


def gammainc():
    cases = [(a, a * r) for a in [1e-3, 0.3, 1, 4, 25.5] for r in [1e-3, 0.3, 0.9, 1.1, 3, 20]]
    cases += [(1e-3, 1e-30), (1e-3, 5), (0.01, 40), (0.3, 1e-8), (0.3, 60), (2, 1e-15), (2, 75), (100, 40), (100, 230)]
    cases += [(1e5, 1e5 + z * 316.2) for z in [-11, -4, -1, 0, 1, 4, 11]] + [(1e3, 1e3 + z * 31.6) for z in [-10, 0, 10]]
    for a, x in cases:
        a_, x_ = mp.mpf(a), mp.mpf(x)
        with mp.workdps(320):
            p, q = gamma_p(a_, x_), None
            q = mp.gammainc(a_, x_, mp.inf, regularized=True) if a < 1e3 else 1 - p
            h = mp.mpf(10) ** -60 * a_
            slope = (gamma_p(a_ + h, x_) - gamma_p(a_ - h, x_)) / (2 * h)
        close(p, sc.gammainc(a, x))
        close(q, sc.gammaincc(a, x))
        weight = mp.exp(a_ * mp.log(x_) - x_ - mp.loggamma(a_))
        yield row(a, x, p, q, slope, weight / x_)


def beta_i(a, b, x):
    return x**a * (1 - x) ** b / (a * mp.beta(a, b)) * mp.hyp2f1(1, a + b, a + 1, x)


def betainc():
    cases = [(a, b, x) for a, b in [(0.5, 0.5), (2, 3), (1e-3, 4), (4, 1e-3), (30, 7)] for x in [1e-12, 0.01, 0.3, 0.7, 0.999]]
    cases += [(1e-3, 1e-3, 0.5), (300, 500, 0.3), (300, 500, 0.375), (300, 500, 0.5), (0.5, 2e3, 1e-4), (0.5, 2e3, 0.02)]
    cases += [(5e3, 5e3, 0.5), (5e3, 5e3, 0.47), (1e4, 30, 0.997)]
    for a, b, x in cases:
        a_, b_, x_ = mp.mpf(a), mp.mpf(b), mp.mpf(x)
        with mp.workdps(90):
            if x <= (a + 1) / (a + b + 2):
                at = lambda a, b: beta_i(a, b, x_)
                i = at(a_, b_)
                j = 1 - i
            else:
                at = lambda a, b: 1 - beta_i(b, a, 1 - x_)
                j = beta_i(b_, a_, 1 - x_)
                i = 1 - j
            h, k = mp.mpf(10) ** -30 * a_, mp.mpf(10) ** -30 * b_
            da = (at(a_ + h, b_) - at(a_ - h, b_)) / (2 * h)
            db = (at(a_, b_ + k) - at(a_, b_ - k)) / (2 * k)
            density = x_ ** (a_ - 1) * (1 - x_) ** (b_ - 1) / mp.beta(a_, b_)
        close(i, sc.betainc(a, b, x))
        close(j, sc.betaincc(a, b, x))
        yield row(a, b, x, i, j, da, db, density)


def student():
    def tail(df, t):
        x = df / (df + t * t)
        return beta_i(df / 2, mp.mpf(1) / 2, x) / 2

    for df in [0.5, 1, 3.7, 30, 2000]:
        for t in [0.1, 1, 3, 30, 1e6]:
            with mp.workdps(90):
                d, t_ = mp.mpf(df), mp.mpf(t)
                h = mp.mpf(10) ** -30 * d
                value, slope = tail(d, t_), (tail(d + h, t_) - tail(d - h, t_)) / (2 * h)
                density = mp.exp(-mp.log(mp.beta(d / 2, 0.5)) - mp.log(d) / 2 - (d + 1) / 2 * mp.log1p(t_**2 / d))
            close(value, st.t.sf(t, df))
            yield row(df, t, value, slope, -density)


def bessel():
    for nu in [0, 0.5, 1, 3.3, 20, 100]:
        for x in [1e-10, 0.1, 1, 10, 39.9, 60, 1e3, 1e5]:
            i, j = mp.besseli(nu, x), mp.besseli(nu + mp.mpf(1), x)
            close(i * mp.exp(-x), sc.ive(nu, x), 1e-5)
            yield row(nu, x, mp.log(i), j / i)


def von_mises():
    for kappa in [1e-3, 0.5, 2, 30, 1e3, 1e5]:
        for z in [-3.1, -1, -0.1, 0, 0.5, 2, 3]:
            x = z if kappa < 10 else z * 3 / kappa**0.5
            k, x_ = mp.mpf(kappa), mp.mpf(x)
            with mp.workdps(30):
                log_norm = mp.log(2 * mp.pi * mp.besseli(0, k))
                ratio = mp.besseli(1, k) / mp.besseli(0, k)
                step = 1 / mp.sqrt(k) if kappa > 1 else mp.mpf(1)
                end = min(mp.pi, abs(x_) + 14 * step)
                cuts = mp.linspace(abs(x_), end, 15)
                tail = mp.quad(lambda t: mp.exp(k * mp.cos(t) - log_norm), cuts)
                slope = mp.quad(lambda t: (mp.cos(t) - ratio) * mp.exp(k * mp.cos(t) - log_norm), cuts)
            p, q = (1 - tail, tail) if x > 0 else (tail, 1 - tail)
            close(p, st.vonmises.cdf(x, kappa), 1e-4 if kappa > 40 else 1e-6) if float(p) > 1e-12 else None
            yield row(kappa, x, p, q, -slope if x > 0 else slope)


out = {f.__name__: list(f()) for f in [lgamma, log_ndtr, erfcx, erfinv, log1mexp, lbeta, deviance, gammainc, betainc, student,
                                       bessel, von_mises]}
OUT.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(OUT, OUT.stat().st_size, "bytes")

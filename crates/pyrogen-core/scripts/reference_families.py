"""Writes tests/fixtures/families.json: distributions of numbers, from mpmath, scipy and torch.

    pip install numpy==2.4.6 scipy==1.17.1 mpmath==1.3.0 torch==2.8.0 numpyro==0.22.0 jax==0.10.2
    python crates/pyrogen-core/scripts/reference_families.py

Each distribution has rows of parameters and values, rounded to f32 first, so that one array serves both
precisions. Log-densities, distribution functions, moments and entropies are their textbook formulas in
mpmath with 60 digits, where nothing cancels; derivatives of the log-density are mpmath's numeric ones.
What scipy.stats and numpyro (in double precision) have is compared with their results, and gradients with
torch's autograd where torch has the distribution and does not underflow. torch and numpyro may be missing:
the arrays are the same without.
"""

import json
import pathlib

import mpmath as mp
import numpy as np
import scipy.stats as st

try:
    import torch
    from torch import distributions as td
except ImportError:
    torch = None
try:
    import jax

    jax.config.update("jax_enable_x64", True)
    import numpyro.distributions as nd
except ImportError:
    nd = None

mp.mp.dps = 60
OUT = pathlib.Path(__file__).parent.parent / "tests" / "fixtures" / "families.json"
F = mp.mpf
inf = mp.inf


def f32(x):
    return float(np.float32(x))


def phi(x):
    """The standard normal distribution function."""
    return mp.erfc(-x / mp.sqrt(2)) / 2


def gamma_p(a, x):
    return mp.gammainc(a, 0, x, regularized=True) if a < 1e3 else x**a * mp.exp(-x) / mp.gamma(a + 1) * mp.hyp1f1(1, a + 1, x)


def gamma_q(a, x):
    if a < 1e3:
        return mp.gammainc(a, x, inf, regularized=True)
    with mp.workdps(120):
        return 1 - gamma_p(a, x)


def beta_i(a, b, x):
    return x**a * (1 - x) ** b / (a * mp.beta(a, b)) * mp.hyp2f1(1, a + b, a + 1, x)


def beta_p(a, b, x):
    if x <= 0:
        return F(0)
    if x >= 1:
        return F(1)
    with mp.workdps(240):
        return beta_i(a, b, x) if x <= a / (a + b) else 1 - beta_i(b, a, 1 - x)


def choose(n, k):
    return mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)


CACHE = {}


def count_entropy(name, mass, start, last=inf):
    """The entropy of a count, summed from its mode both ways."""
    if name not in CACHE:
        total, k = F(0), F(start)
        while k <= last and (k == start or log > -170):
            log = mass(k)
            total, k = total - mp.exp(log) * log, k + 1
        k, log = F(start) - 1, F(0)
        while k >= 0 and log > -170:
            log = mass(k)
            total, k = total - mp.exp(log) * log, k - 1
        CACHE[name] = total
    return CACHE[name]


def binomial_mass(x, n, l):
    return choose(n, x) + x * mp.log(sig(l)) + (n - x) * mp.log(sig(-l))


def negative_mass(x, n, l):
    return mp.loggamma(n + x) - mp.loggamma(x + 1) - mp.loggamma(n) + n * mp.log(sig(-l)) + x * mp.log(sig(l))


def poisson_mass(x, r):
    return x * mp.log(r) - r - mp.loggamma(x + 1)


def inflated_mass(x, g, r):
    return mp.log(g + (1 - g) * mp.exp(-r)) if x == 0 else mp.log(1 - g) + poisson_mass(x, r)


def log1m(x):
    return mp.log1p(-x)


def sig(l):
    return 1 / (1 + mp.exp(-l))


def trunc(p):
    """Bounds in standard units, the mass, and densities at the bounds."""
    loc, s, low, high = p
    a, b = (low - loc) / s, (high - loc) / s
    with mp.workdps(1200):
        mass = phi(-a) - phi(-b) if a > 0 else phi(b) - phi(a)
    at = lambda z: mp.npdf(z) if mp.isfinite(z) else F(0)
    times = lambda z: z * mp.npdf(z) if mp.isfinite(z) else F(0)
    return a, b, mass, at, times


def trunc_var(p):
    a, b, m, at, times = trunc(p)
    return p[1] ** 2 * (1 + (times(a) - times(b)) / m - ((at(a) - at(b)) / m) ** 2)


def beta_entropy(a, b):
    return (mp.log(mp.beta(a, b)) - (a - 1) * mp.digamma(a) - (b - 1) * mp.digamma(b) + (a + b - 2) * mp.digamma(a + b))


def gamma_entropy(a):
    return a + mp.loggamma(a) + (1 - a) * mp.digamma(a)


# name: (parameters, log-density, (cdf, survival), {mean, variance, entropy, mode}, scipy, torch, rows of (params, value))
Z = [-30, -6, -1, -0.1, 0, 0.3, 2, 8, 30]
SCALES = [(0.5, 0.7), (-3, 12), (100, 0.01)]
loc_scale = [((m, s), m + s * z) for m, s in SCALES for z in (Z if (m, s) == (0.5, 0.7) else [-1.5, 0, 25])]
positive = [1e-30, 1e-8, 0.01, 0.5, 1, 3, 30, 1e5]
FAMILIES = {
    "Laplace": (("loc", "scale"), lambda x, m, s: -abs(x - m) / s - mp.log(2 * s),
        (lambda x, m, s: mp.exp((x - m) / s) / 2 if x < m else 1 - mp.exp(-(x - m) / s) / 2,
         lambda x, m, s: mp.exp(-(x - m) / s) / 2 if x > m else 1 - mp.exp((x - m) / s) / 2),
        dict(mean=lambda m, s: m, variance=lambda m, s: 2 * s * s, entropy=lambda m, s: 1 + mp.log(2 * s), mode=lambda m, s: m),
        lambda m, s: st.laplace(m, s), lambda m, s: td.Laplace(m, s), [r for r in loc_scale if r[1] != r[0][0]]),
    "Logistic": (("loc", "scale"), lambda x, m, s: -(x - m) / s - 2 * mp.log(1 + mp.exp(-(x - m) / s)) - mp.log(s),
        (lambda x, m, s: sig((x - m) / s), lambda x, m, s: sig(-(x - m) / s)),
        dict(mean=lambda m, s: m, variance=lambda m, s: mp.pi**2 * s * s / 3, entropy=lambda m, s: mp.log(s) + 2, mode=lambda m, s: m),
        lambda m, s: st.logistic(m, s), None, loc_scale),
    "Gumbel": (("loc", "scale"), lambda x, m, s: -(x - m) / s - mp.exp(-(x - m) / s) - mp.log(s),
        (lambda x, m, s: mp.exp(-mp.exp(-(x - m) / s)), lambda x, m, s: -mp.expm1(-mp.exp(-(x - m) / s))),
        dict(mean=lambda m, s: m + s * mp.euler, variance=lambda m, s: mp.pi**2 * s * s / 6,
             entropy=lambda m, s: mp.log(s) + 1 + mp.euler, mode=lambda m, s: m),
        lambda m, s: st.gumbel_r(m, s), lambda m, s: td.Gumbel(m, s), [r for r in loc_scale if r[1] > -20]),
    "Cauchy": (("loc", "scale"), lambda x, m, s: -mp.log(mp.pi * s * (1 + ((x - m) / s) ** 2)),
        (lambda x, m, s: mp.acot(-(x - m) / s) / mp.pi if x < m else F(1) / 2 + mp.atan((x - m) / s) / mp.pi,
         lambda x, m, s: mp.acot((x - m) / s) / mp.pi if x > m else F(1) / 2 - mp.atan((x - m) / s) / mp.pi),
        dict(entropy=lambda m, s: mp.log(4 * mp.pi * s), mode=lambda m, s: m),
        lambda m, s: st.cauchy(m, s), lambda m, s: td.Cauchy(m, s), loc_scale + [((0, 1), -1e20), ((0, 1), 1e15)]),
    "StudentT": (("df", "loc", "scale"),
        lambda x, v, m, s: -mp.log(mp.beta(F(1) / 2, v / 2)) - mp.log(v) / 2 - mp.log(s) - (v + 1) / 2 * mp.log(1 + ((x - m) / s) ** 2 / v),
        (lambda x, v, m, s: beta_p(v / 2, F(1) / 2, v / (v + ((x - m) / s) ** 2)) / 2 if x < m else 1 - beta_p(v / 2, F(1) / 2, v / (v + ((x - m) / s) ** 2)) / 2,
         lambda x, v, m, s: beta_p(v / 2, F(1) / 2, v / (v + ((x - m) / s) ** 2)) / 2 if x > m else 1 - beta_p(v / 2, F(1) / 2, v / (v + ((x - m) / s) ** 2)) / 2),
        dict(entropy=lambda v, m, s: (v + 1) / 2 * (mp.digamma((v + 1) / 2) - mp.digamma(v / 2)) + mp.log(s) + mp.log(v) / 2 + mp.log(mp.beta(v / 2, F(1) / 2)),
             variance=lambda v, m, s: s * s * v / (v - 2) if v > 2 else (inf if v > 1 else mp.nan), mean=lambda v, m, s: m if v > 1 else mp.nan,
             mode=lambda v, m, s: m),
        lambda v, m, s: st.t(v, m, s), lambda v, m, s: td.StudentT(v, m, s),
        [((v, m, s), m + s * z) for v, m, s in [(0.1, 0, 1), (1, 0.5, 2), (3.5, -1, 0.5), (40, 0, 1), (1e5, 0, 1)] for z in [-30, -2, 0.1, 1, 30]]),
    "HalfCauchy": (("scale",), lambda x, s: mp.log(2 / (mp.pi * s * (1 + (x / s) ** 2))),
        (lambda x, s: 2 / mp.pi * mp.atan(x / s), lambda x, s: 2 / mp.pi * mp.acot(x / s)),
        dict(entropy=lambda s: mp.log(2 * mp.pi * s), mode=lambda s: F(0)),
        lambda s: st.halfcauchy(0, s), lambda s: td.HalfCauchy(s), [((s,), x) for s in [0.5, 20] for x in positive]),
    "HalfNormal": (("scale",), lambda x, s: mp.log(2 / mp.pi) / 2 - mp.log(s) - (x / s) ** 2 / 2,
        (lambda x, s: mp.erf(x / s / mp.sqrt(2)), lambda x, s: mp.erfc(x / s / mp.sqrt(2))),
        dict(mean=lambda s: s * mp.sqrt(2 / mp.pi), variance=lambda s: s * s * (1 - 2 / mp.pi), entropy=lambda s: mp.log(mp.pi * s * s / 2) / 2 + F(1) / 2, mode=lambda s: F(0)),
        lambda s: st.halfnorm(0, s), lambda s: td.HalfNormal(s), [((s,), s * z) for s in [0.5, 20] for z in [1e-20, 0.01, 1, 5, 30]]),
    "Normal": (("loc", "scale"), lambda x, m, s: -((x - m) / s) ** 2 / 2 - mp.log(s) - mp.log(2 * mp.pi) / 2,
        (lambda x, m, s: phi((x - m) / s), lambda x, m, s: phi(-(x - m) / s)),
        dict(mean=lambda m, s: m, variance=lambda m, s: s * s, entropy=lambda m, s: mp.log(2 * mp.pi * mp.e * s * s) / 2, mode=lambda m, s: m),
        lambda m, s: st.norm(m, s), lambda m, s: td.Normal(m, s), [((m, s), m + s * z) for m, s in [(0, 1), (0.5, 2), (-3, 8)] for z in Z]),
    "LogNormal": (("loc", "scale"), lambda x, m, s: -mp.log(x) - mp.log(s) - mp.log(2 * mp.pi) / 2 - ((mp.log(x) - m) / s) ** 2 / 2,
        (lambda x, m, s: phi((mp.log(x) - m) / s), lambda x, m, s: phi((m - mp.log(x)) / s)),
        dict(mean=lambda m, s: mp.exp(m + s * s / 2), variance=lambda m, s: mp.expm1(s * s) * mp.exp(2 * m + s * s),
             entropy=lambda m, s: m + mp.log(2 * mp.pi * mp.e * s * s) / 2, mode=lambda m, s: mp.exp(m - s * s)),
        lambda m, s: st.lognorm(s, 0, mp.exp(m)), lambda m, s: td.LogNormal(m, s), [((m, s), x) for m, s in [(0.5, 0.7), (-3, 2)] for x in positive]),
    "Exponential": (("rate",), lambda x, r: mp.log(r) - r * x, (lambda x, r: -mp.expm1(-r * x), lambda x, r: mp.exp(-r * x)),
        dict(mean=lambda r: 1 / r, variance=lambda r: 1 / r**2, entropy=lambda r: 1 - mp.log(r), mode=lambda r: F(0)),
        lambda r: st.expon(0, 1 / r), lambda r: td.Exponential(r), [((r,), x / r) for r in [0.01, 2, 50] for x in [1e-30, 1e-8, 0.3, 1, 30, 500]]),
    "Uniform": (("low", "high"), lambda x, a, b: -mp.log(b - a), (lambda x, a, b: (x - a) / (b - a), lambda x, a, b: (b - x) / (b - a)),
        dict(mean=lambda a, b: (a + b) / 2, variance=lambda a, b: (b - a) ** 2 / 12, entropy=lambda a, b: mp.log(b - a)),
        lambda a, b: st.uniform(a, b - a), lambda a, b: td.Uniform(a, b), [((a, b), a + (b - a) * u) for a, b in [(0, 1), (-3, 2), (1e4, 10001)] for u in [0.001, 0.5, 0.75]]),
    "Gamma": (("concentration", "rate"), lambda x, a, r: a * mp.log(r) + (a - 1) * mp.log(x) - r * x - mp.loggamma(a),
        (lambda x, a, r: gamma_p(a, r * x), lambda x, a, r: gamma_q(a, r * x)),
        dict(mean=lambda a, r: a / r, variance=lambda a, r: a / r**2, entropy=lambda a, r: gamma_entropy(a) - mp.log(r), mode=lambda a, r: max(a - 1, 0) / r),
        lambda a, r: st.gamma(a, 0, 1 / r), lambda a, r: td.Gamma(a, r),
        [((a, 2), x) for a in [1e-3, 0.3, 1, 5] for x in [1e-30, 1e-3, 0.7, 3, 40]] + [((1e5, 2), 5e4 + z * 158) for z in [-11, -1, 0, 3, 11]] + [((40, 0.01), 1e3), ((40, 0.01), 1e4)]),
    "InverseGamma": (("concentration", "scale"), lambda x, a, b: a * mp.log(b) - (a + 1) * mp.log(x) - b / x - mp.loggamma(a),
        (lambda x, a, b: gamma_q(a, b / x), lambda x, a, b: gamma_p(a, b / x)),
        dict(mean=lambda a, b: b / (a - 1) if a > 1 else inf, variance=lambda a, b: b**2 / ((a - 1) ** 2 * (a - 2)) if a > 2 else inf,
             entropy=lambda a, b: a + mp.log(b) + mp.loggamma(a) - (1 + a) * mp.digamma(a), mode=lambda a, b: b / (a + 1)),
        lambda a, b: st.invgamma(a, 0, b), lambda a, b: td.InverseGamma(a, b), [((a, 2), x) for a in [1e-3, 0.3, 1, 5] for x in [0.02, 0.7, 3, 1e10]] + [((1e5, 1e5), 1.01), ((1e5, 1e5), 0.97)]),
    "ChiSquared": (("df",), lambda x, v: (v / 2 - 1) * mp.log(x) - x / 2 - v / 2 * mp.log(2) - mp.loggamma(v / 2),
        (lambda x, v: gamma_p(v / 2, x / 2), lambda x, v: gamma_q(v / 2, x / 2)),
        dict(mean=lambda v: v, variance=lambda v: 2 * v, entropy=lambda v: gamma_entropy(v / 2) + mp.log(2), mode=lambda v: max(v - 2, 0)),
        lambda v: st.chi2(v), lambda v: td.Chi2(v), [((v,), x) for v in [0.01, 1, 4, 30] for x in [1e-10, 0.5, 3, 60]]),
    "Beta": (("alpha", "beta"), lambda x, a, b: (a - 1) * mp.log(x) + (b - 1) * log1m(x) - mp.log(mp.beta(a, b)),
        (lambda x, a, b: beta_p(a, b, x), lambda x, a, b: beta_p(b, a, 1 - x)),
        dict(mean=lambda a, b: a / (a + b), variance=lambda a, b: a * b / ((a + b) ** 2 * (a + b + 1)), entropy=beta_entropy,
             mode=lambda a, b: (a - 1) / (a + b - 2) if a > 1 and b > 1 else (F(0) if b > 1 else (F(1) if a > 1 else mp.nan))),
        lambda a, b: st.beta(a, b), lambda a, b: td.Beta(a, b),
        [((a, b), x) for a, b in [(0.001, 0.001), (0.5, 0.5), (2, 3), (0.3, 40), (1e3, 0.7)] for x in [1e-20, 0.01, 0.5, 0.875, 0.9999]] + [((1e5, 1e5), 0.5), ((1e5, 1e5), 0.49), ((1e5, 50), 0.9995)]),
    "Kumaraswamy": (("a", "b"), lambda x, a, b: mp.log(a) + mp.log(b) + (a - 1) * mp.log(x) + (b - 1) * log1m(x**a),
        (lambda x, a, b: -mp.expm1(b * log1m(x**a)), lambda x, a, b: (1 - x**a) ** b),
        dict(mean=lambda a, b: b * mp.beta(1 + 1 / a, b), variance=lambda a, b: b * mp.beta(1 + 2 / a, b) - (b * mp.beta(1 + 1 / a, b)) ** 2,
             entropy=lambda a, b: (1 - 1 / b) + (1 - 1 / a) * (mp.digamma(b + 1) + mp.euler) - mp.log(a * b)),
        None, None, [((a, b), x) for a, b in [(0.5, 0.5), (2, 3), (0.1, 40), (8, 0.7)] for x in [1e-10, 0.01, 0.5, 0.875, 0.9999]]),
    "Weibull": (("scale", "concentration"), lambda x, s, k: mp.log(k / s) + (k - 1) * mp.log(x / s) - (x / s) ** k,
        (lambda x, s, k: -mp.expm1(-((x / s) ** k)), lambda x, s, k: mp.exp(-((x / s) ** k))),
        dict(mean=lambda s, k: s * mp.gamma(1 + 1 / k), variance=lambda s, k: s**2 * (mp.gamma(1 + 2 / k) - mp.gamma(1 + 1 / k) ** 2),
             entropy=lambda s, k: mp.euler * (1 - 1 / k) + mp.log(s / k) + 1, mode=lambda s, k: s * ((k - 1) / k) ** (1 / k) if k > 1 else F(0)),
        lambda s, k: st.weibull_min(k, 0, s), lambda s, k: td.Weibull(s, k), [((s, k), x) for s, k in [(2, 0.5), (0.7, 1), (3, 4)] for x in [1e-20, 0.01, 0.5, 2, 7]]),
    "Pareto": (("scale", "alpha"), lambda x, m, a: mp.log(a) + a * mp.log(m) - (a + 1) * mp.log(x),
        (lambda x, m, a: -mp.expm1(-a * mp.log(x / m)), lambda x, m, a: (m / x) ** a),
        dict(mean=lambda m, a: a * m / (a - 1) if a > 1 else inf, variance=lambda m, a: m * m * a / ((a - 1) ** 2 * (a - 2)) if a > 2 else inf,
             entropy=lambda m, a: mp.log(m / a) + 1 + 1 / a, mode=lambda m, a: m),
        lambda m, a: st.pareto(a, 0, m), lambda m, a: td.Pareto(m, a), [((m, a), m * (1 + x)) for m, a in [(2, 0.5), (0.7, 1.5), (3, 40), (1, 1e5)] for x in [1e-4, 0.5, 2, 1e5] if a < 1e4 or x < 1]),
    "VonMises": (("loc", "concentration"), lambda x, m, k: k * mp.cos(x - m) - mp.log(2 * mp.pi * mp.besseli(0, k)), None,
        dict(mean=lambda m, k: m, variance=lambda m, k: 1 - mp.besseli(1, k) / mp.besseli(0, k),
             entropy=lambda m, k: mp.log(2 * mp.pi * mp.besseli(0, k)) - k * mp.besseli(1, k) / mp.besseli(0, k), mode=lambda m, k: m),
        lambda m, k: st.vonmises(k, m), lambda m, k: td.VonMises(m, k), [((m, k), x) for m, k in [(0, 1e-3), (0.5, 2), (-1, 300), (0, 1e5)] for x in [-3, -0.1, 0.02, 1.5]]),
    "Poisson": (("rate",), poisson_mass, (lambda x, r: gamma_q(x + 1, r), lambda x, r: gamma_p(x + 1, r)),
        dict(mean=lambda r: r, variance=lambda r: r, mode=lambda r: mp.floor(r),
             entropy=lambda r: count_entropy(("p", r), lambda k: poisson_mass(k, r), mp.floor(r))), lambda r: st.poisson(r), lambda r: td.Poisson(r),
        [((r,), x) for r in [1e-3, 0.7, 12.5] for x in [0, 1, 3, 20, 90]] + [((1e5,), x) for x in [97000, 100000, 103000]]),
    "ZeroInflatedPoisson": (("gate", "rate"), inflated_mass,
        (lambda x, g, r: g + (1 - g) * gamma_q(x + 1, r), lambda x, g, r: (1 - g) * gamma_p(x + 1, r)),
        dict(mean=lambda g, r: (1 - g) * r, variance=lambda g, r: (1 - g) * r * (1 + g * r),
             mode=lambda g, r: max(F(0), mp.floor(r), key=lambda x: inflated_mass(x, g, r))), None, None,
        [((g, r), x) for g, r in [(0.25, 3), (1e-6, 40), (0.9, 0.01)] for x in [0, 1, 5, 60]]),
    "Binomial": (("total_count", "logits"), binomial_mass,
        (lambda x, n, l: beta_p(n - x, x + 1, sig(-l)) if x < n else F(1), lambda x, n, l: beta_p(x + 1, n - x, sig(l)) if x < n else F(0)),
        dict(mean=lambda n, l: n * sig(l), variance=lambda n, l: n * sig(l) * sig(-l), mode=lambda n, l: mp.floor((n + 1) * sig(l)),
             entropy=lambda n, l: count_entropy(("b", n, l), lambda k: binomial_mass(k, n, l), mp.floor((n + 1) * sig(l)), n)),
        lambda n, l: st.binom(int(n), sig(l)), lambda n, l: td.Binomial(n, logits=l),
        [((n, l), x) for n, l in [(10, 0.3), (10, -20), (40, 4)] for x in [0, 1, 5, 10]] + [((1e5, -1), x) for x in [25000, 26895, 28500]]),
    "Geometric": (("logits",), lambda x, l: x * mp.log(sig(-l)) + mp.log(sig(l)), (lambda x, l: -mp.expm1((x + 1) * mp.log(sig(-l))), lambda x, l: sig(-l) ** (x + 1)),
        dict(mean=lambda l: mp.exp(-l), variance=lambda l: mp.exp(-l) * (1 + mp.exp(-l)), entropy=lambda l: -(sig(-l) * mp.log(sig(-l)) + sig(l) * mp.log(sig(l))) / sig(l), mode=lambda l: F(0)),
        lambda l: st.geom(sig(l), -1), lambda l: td.Geometric(logits=l), [((l,), x) for l in [-9, -0.5, 0, 3] for x in [0, 1, 7, 30]]),
    "NegativeBinomial": (("total_count", "logits"), negative_mass,
        (lambda x, n, l: beta_p(n, x + 1, sig(-l)), lambda x, n, l: beta_p(x + 1, n, sig(l))),
        dict(mean=lambda n, l: n * mp.exp(l), variance=lambda n, l: n * mp.exp(l) * (1 + mp.exp(l)), mode=lambda n, l: mp.floor((n - 1) * mp.exp(l)) if n > 1 else F(0),
             entropy=lambda n, l: count_entropy(("n", n, l), lambda k: negative_mass(k, n, l), max(F(0), mp.floor((n - 1) * mp.exp(l))))),
        lambda n, l: st.nbinom(n, sig(-l)), lambda n, l: td.NegativeBinomial(n, logits=l),
        [((n, l), x) for n, l in [(0.001, 2), (0.7, -1), (12, 0.5)] for x in [0, 1, 6, 100]] + [((1e5, -0.5), x) for x in [59000, 60653, 62000]]),
    "RelaxedBernoulli": (("temperature", "logits"),
        lambda x, t, l: mp.log(t) + (l - t * (mp.log(x) - log1m(x))) - 2 * mp.log(1 + mp.exp(l - t * (mp.log(x) - log1m(x)))) - mp.log(x) - log1m(x),
        (lambda x, t, l: sig(t * (mp.log(x) - log1m(x)) - l), lambda x, t, l: sig(l - t * (mp.log(x) - log1m(x)))), {}, None,
        lambda t, l: td.RelaxedBernoulli(t, logits=l), [((t, l), x) for t, l in [(0.1, 1), (0.5, -3), (2, 0)] for x in [1e-30, 0.01, 0.5, 0.999]]),
    "TruncatedNormal": (("loc", "scale", "low", "high"),
        lambda x, *p: -((x - p[0]) / p[1]) ** 2 / 2 - mp.log(2 * mp.pi) / 2 - mp.log(p[1]) - mp.log(trunc(p)[2]),
        (lambda x, *p: trunc((p[0], p[1], p[2], x))[2] / trunc(p)[2], lambda x, *p: trunc((p[0], p[1], x, p[3]))[2] / trunc(p)[2]),
        dict(mean=lambda *p: p[0] + p[1] * (trunc(p)[3](trunc(p)[0]) - trunc(p)[3](trunc(p)[1])) / trunc(p)[2], variance=lambda *p: trunc_var(p),
             entropy=lambda *p: mp.log(p[1]) + mp.log(trunc(p)[2]) + mp.log(2 * mp.pi * mp.e) / 2 + (trunc(p)[4](trunc(p)[0]) - trunc(p)[4](trunc(p)[1])) / (2 * trunc(p)[2]),
             mode=lambda *p: min(max(p[0], p[2]), p[3])),
        lambda m, s, a, b: st.truncnorm((a - m) / s, (b - m) / s, m, s), None,
        [((0, 1, a, b), a + (b - a) * u) for a, b in [(-1, 2), (-30, 30), (3, 5), (30, 31), (-9, -8)] for u in [0.01, 0.5, 0.9]] + [((1, 2, 0.5, 0.75), 0.625)]),
}


def number(x):
    x = float(x)
    return x if np.isfinite(x) else str(x)


def scipys(name, make, p, x, row):
    """Compares with scipy, loosely: its own error in the tails is its own."""
    if make is None:
        return
    d = make(*map(float, p))
    d = d.dist(*map(float, d.args))
    log = d.logpmf if hasattr(d.dist, "pmf") else d.logpdf
    pairs = [(row["log_prob"], log(float(x)))]
    if "cdf" in row and max(map(abs, p)) < 1e4:
        pairs += [(row["cdf"], d.cdf(float(x))), (row["survival"], d.sf(float(x)))]
    if max(map(abs, p)) < 1e4:
        pairs += [(row[k], getattr(d, f)()) for k, f in [("mean", "mean"), ("variance", "var"), ("entropy", "entropy")]
                  if k in row and name not in ("VonMises",) and not (name == "TruncatedNormal" and p[2] > 20)]
    for mine, theirs in pairs:
        theirs = float(theirs)
        if not isinstance(mine, str) and np.isfinite(theirs) and abs(mine) > 1e-200:
            np.testing.assert_allclose(mine, theirs, rtol=2e-6, atol=1e-9, err_msg=f"{name} {p} {x}")


def torchs(name, make, p, x, row):
    # Near 0 torch's own gradients are differences of large numbers.
    if make is None or torch is None or abs(x) < 1e-6:
        return
    leaves = [torch.tensor(float(v), dtype=torch.float64, requires_grad=True) for v in [x, *p]]
    y = make(*leaves[1:]).log_prob(leaves[0])
    if not torch.isfinite(y):
        return
    grads = torch.autograd.grad(y, leaves, allow_unused=True)
    for mine, theirs in zip(row["slopes"], grads):
        if mine is not None and theirs is not None and torch.isfinite(theirs):
            np.testing.assert_allclose(mine, theirs.item(), rtol=1e-5, atol=1e-6, err_msg=f"{name} {p} {x}")


NUMPYRO = {
    "ChiSquared": lambda v: nd.Chi2(v), "Binomial": lambda n, l: nd.BinomialLogits(l, int(n)),
    "Geometric": lambda l: nd.GeometricLogits(l), "NegativeBinomial": lambda n, l: nd.NegativeBinomialLogits(n, l),
    "Kumaraswamy": lambda a, b: nd.Kumaraswamy(a, b), "TruncatedNormal": lambda m, s, a, b: nd.TruncatedNormal(m, s, low=a, high=b),
    "RelaxedBernoulli": None, "Weibull": lambda s, k: nd.Weibull(s, k),
}


def numpyros(name, p, x, row):
    """numpyro's log-density, in double precision."""
    make = NUMPYRO.get(name, getattr(nd, name, None)) if nd else None
    if make is None or abs(row["log_prob"]) > 1e5 or name == "TruncatedNormal" and abs(p[2]) > 6:
        return
    theirs = float(make(*map(float, p)).log_prob(float(x)))
    if np.isfinite(theirs):
        np.testing.assert_allclose(row["log_prob"], theirs, rtol=1e-6, atol=1e-7, err_msg=f"{name} {p} {x}")
        COMPARED.setdefault(name, 0)
        COMPARED[name] += 1


COMPARED = {}
DISCRETE = {"Poisson", "ZeroInflatedPoisson", "Binomial", "Geometric", "NegativeBinomial"}
COUNTS = {"Binomial": 1}  # arguments that are integers


def one(name, log_prob, cdfs, closed, p, x):
    row = {"log_prob": number(log_prob(x, *p))}
    slopes = []
    for i in range(len(p) + 1):
        if name in DISCRETE and i == 0 or i == COUNTS.get(name):
            slopes.append(None)
            continue
        args = [x, *p]

        def along(t, i=i, args=args):
            return log_prob(*args[:i], t, *args[i + 1:])

        at = args[i]
        h = F(10) ** -22 * max(abs(at), F(10) ** -28)
        # The difference loses the digits of the step.
        with mp.workdps(150):
            slopes.append(number((along(at + h) - along(at - h)) / (2 * h)))
    row["slopes"] = slopes
    if cdfs:
        row["cdf"], row["survival"] = (number(f(x, *p)) for f in cdfs)
    for key, f in closed.items():
        row[key] = number(f(*p))
    return row


out = {}
for name, (parameters, log_prob, cdfs, closed, scipy_make, torch_make, rows) in FAMILIES.items():
    table = []
    for p, x in rows:
        p, x = [f32(v) for v in p], f32(x)
        row = one(name, log_prob, cdfs, closed, [F(v) for v in p], F(x))
        scipys(name, scipy_make, p, x, row)
        torchs(name, torch_make, p, x, row)
        numpyros(name, p, x, row)
        table.append({"p": p, "x": x, **row})
    keys = [k for k in table[0] if k != "slopes"]
    out[name] = {k: [r[k] for r in table] for k in keys}
    for i, argument in enumerate(["value", *parameters]):
        column = [r["slopes"][i] for r in table]
        if None not in column:
            out[name][f"d_{argument}"] = column
    print(name, len(table), flush=True)
OUT.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(OUT, OUT.stat().st_size, "bytes; torch", torch and torch.__version__, "numpyro", COMPARED)

"""Writes tests/fixtures/divergences.json: Kullback-Leibler divergences by their definition.

    pip install mpmath==1.3.0 torch==2.8.0
    python crates/pyrogen-core/scripts/reference_divergences.py

Integrals of `p (ln p - ln q)` by mpmath's quadrature with 30 digits, and sums over counts; no closed form.
Where torch registers the pair, its own result is compared. Parameters are exact in f32.
"""

import json
import pathlib

import mpmath as mp
import numpy as np

try:
    import torch
    from torch import distributions as td
except ImportError:
    torch = None

mp.mp.dps = 30
OUT = pathlib.Path(__file__).parent.parent / "tests" / "fixtures" / "divergences.json"
inf = mp.inf
F = mp.mpf


def sig(l):
    return 1 / (1 + mp.exp(-l))


# name: (log-density, points that the integral is cut at, torch). Normal has a log-variance.
D = {
    "Beta": (lambda x, a, b: (a - 1) * mp.log(x) + (b - 1) * mp.log(1 - x) - mp.log(mp.beta(a, b)),
             lambda a, b: [0, F(10) ** -12, F(10) ** -6, 0.01, 0.1, 0.5, 0.9, 0.99, 1 - F(10) ** -6, 1 - F(10) ** -12, 1], lambda a, b: td.Beta(a, b)),
    "Cauchy": (lambda x, m, s: -mp.log(mp.pi * s * (1 + ((x - m) / s) ** 2)), lambda m, s: [-inf, m - 100 * s, m - 5 * s, m, m + 5 * s, m + 100 * s, inf], lambda m, s: td.Cauchy(m, s)),
    "ChiSquared": (lambda x, v: (v / 2 - 1) * mp.log(x) - x / 2 - v / 2 * mp.log(2) - mp.loggamma(v / 2), lambda v: [0, *(F(10) ** -k for k in (90, 70, 50, 40, 30, 20, 12, 8, 4)), 0.1, 1, v, 2 * v + 5, 4 * v + 40, 6 * v + 300], lambda v: td.Chi2(v)),
    "Exponential": (lambda x, r: mp.log(r) - r * x, lambda r: [z / r for z in [0, 1, 4, 10, 30, 80]], lambda r: td.Exponential(r)),
    "Gamma": (lambda x, a, r: a * mp.log(r) + (a - 1) * mp.log(x) - r * x - mp.loggamma(a), lambda a, r: [z / r for z in [0, F(10) ** -12, F(10) ** -4, 0.1, 1, a, 2 * a + 5, 3 * a + 20, 5 * a + 100]], lambda a, r: td.Gamma(a, r)),
    "InverseGamma": (lambda x, a, r: a * mp.log(r) - (a + 1) * mp.log(x) - r / x - mp.loggamma(a), lambda a, r: [0, r / 100, r / 30, r / 8, r / 2, r, 3 * r, 10 * r, 100 * r, F(10) ** 6, inf], lambda a, r: td.InverseGamma(a, r)),
    "Gumbel": (lambda x, m, s: -(x - m) / s - mp.exp(-(x - m) / s) - mp.log(s), lambda m, s: [m + z * s for z in [-6, -3, -1, 0, 1, 3, 8, 20, 80]], lambda m, s: td.Gumbel(m, s)),
    "HalfNormal": (lambda x, s: mp.log(2 / mp.pi) / 2 - mp.log(s) - (x / s) ** 2 / 2, lambda s: [s * z for z in [0, 1, 3, 6, 14]], lambda s: td.HalfNormal(s)),
    "Laplace": (lambda x, m, s: -abs(x - m) / s - mp.log(2 * s), lambda m, s: [m + z * s for z in [-90, -30, -8, -2, 0, 2, 8, 30, 90]], lambda m, s: td.Laplace(m, s)),
    "LogNormal": (lambda x, m, s: -mp.log(x) - mp.log(s) - mp.log(2 * mp.pi) / 2 - ((mp.log(x) - m) / s) ** 2 / 2, lambda m, s: [mp.exp(m + z * s) for z in [-14, -6, -3, -1, 0, 1, 3, 6, 14]], lambda m, s: td.LogNormal(m, s)),
    "Normal": (lambda x, m, v: -((x - m) ** 2) / mp.exp(v) / 2 - v / 2 - mp.log(2 * mp.pi) / 2, lambda m, v: [m + z * mp.exp(v / 2) for z in [-14, -6, -3, -1, 0, 1, 3, 6, 14]], lambda m, v: td.Normal(m, (v / 2).exp())),
    "Pareto": (lambda x, m, a: mp.log(a) + a * mp.log(m) - (a + 1) * mp.log(x) if x >= m else -inf, lambda m, a: [m, 2 * m, 5 * m, 100 * m, F(10) ** 4 * m, F(10) ** 8 * m, inf], lambda m, a: td.Pareto(m, a)),
    "Uniform": (lambda x, a, b: -mp.log(b - a) if a <= x <= b else -inf, lambda a, b: [a, (a + b) / 2, b], lambda a, b: td.Uniform(a, b)),
    "VonMises": (lambda x, m, k: k * mp.cos(x - m) - mp.log(2 * mp.pi * mp.besseli(0, k)), lambda m, k: [-mp.pi, -1, 0, 1, mp.pi], None),
    "Weibull": (lambda x, s, k: mp.log(k / s) + (k - 1) * mp.log(x / s) - (x / s) ** k, lambda s, k: [s * F(z) ** (1 / k) for z in [0, "1e-9", "1e-3", "0.1", 1, 4, 12, 30, 90]], None),
    "Bernoulli": (lambda x, l: x * l - mp.log(1 + mp.exp(l)), lambda l: range(2), lambda l: td.Bernoulli(logits=l)),
    "Binomial": (lambda x, n, l: mp.loggamma(n + 1) - mp.loggamma(x + 1) - mp.loggamma(n - x + 1) + x * mp.log(sig(l)) + (n - x) * mp.log(sig(-l)), lambda n, l: range(int(n) + 1), lambda n, l: td.Binomial(int(n), logits=l)),
    "Geometric": (lambda x, l: x * mp.log(sig(-l)) + mp.log(sig(l)), lambda l: range(1500), lambda l: td.Geometric(logits=l)),
    "Poisson": (lambda x, r: x * mp.log(r) - r - mp.loggamma(x + 1), lambda r: range(300), lambda r: td.Poisson(r)),
}
SUMS = {"Bernoulli", "Binomial", "Geometric", "Poisson"}

ANY = [(0.5, 1.5), (-2, 0.75), (3, 4)]
POS = [(0.5, 1.5), (2.25, 0.75), (3, 8)]
PAR = [(0.5, 3.5), (2.25, 2.75), (1, 8)]
NORM = [(0.5, 0.25), (-2, -1), (1.5, 1.5)]
INT = [(0.25, 0.75), (0.5, 0.875), (0, 0.5)]
CASES = {
    ("Beta", "Beta"): (POS, POS[::-1]), ("Binomial", "Binomial"): ([(5, 0.5), (20, -1), (3, 2)], [(5, -0.5), (20, -1.25), (3, 0)]),
    ("Cauchy", "Cauchy"): (ANY, ANY[::-1]), ("ChiSquared", "ChiSquared"): ([(0.5,), (3,), (10,)], [(1,), (3.5,), (8,)]),
    ("Exponential", "Exponential"): ([(0.5,), (3,), (10,)], [(1,), (3.0625,), (8,)]), ("Gamma", "Gamma"): (POS, POS[::-1]),
    ("Geometric", "Geometric"): ([(0.5,), (-1,), (2,)], [(1,), (-1.25,), (0,)]), ("Gumbel", "Gumbel"): (ANY, ANY[::-1]),
    ("HalfNormal", "HalfNormal"): ([(0.5,), (3,), (10,)], [(1,), (3.0625,), (8,)]), ("InverseGamma", "InverseGamma"): ([(3, 1.5), (2.25, 0.75), (4, 8)], [(2.5, 2), (2.25, 1), (3, 8)]),
    ("Laplace", "Laplace"): (ANY, ANY[::-1]), ("LogNormal", "LogNormal"): ([(0.5, 1.5), (-2, 0.75)], [(0, 1), (-1, 0.5)]),
    ("Pareto", "Pareto"): (PAR, [(0.5, 3), (1, 4), (2, 1)]), ("Poisson", "Poisson"): ([(0.5,), (3,), (40,)], [(1,), (3.0625,), (35,)]),
    ("Uniform", "Uniform"): (INT, [(0, 1), (0.5, 1), (0.25, 1)]), ("VonMises", "VonMises"): ([(0.5, 1.5), (-2, 8)], [(0, 4), (-1, 0.5)]),
    ("Weibull", "Weibull"): (POS, [(1, 1.25), (2, 1), (2.5, 6)]), ("Bernoulli", "Poisson"): ([(0.5,), (-2,)], [(0.5,), (2,)]),
    ("Beta", "Exponential"): (POS, [(0.5,), (2,), (5,)]), ("Beta", "Gamma"): (POS, POS), ("Beta", "Normal"): (POS, NORM), ("Beta", "Uniform"): (POS, [(0, 1), (-1, 2), (0.25, 1)]),
    ("Exponential", "Gamma"): ([(0.5,), (2,), (5,)], POS), ("Exponential", "Gumbel"): ([(0.5,), (2,), (5,)], ANY), ("Exponential", "Normal"): ([(0.5,), (2,), (5,)], NORM),
    ("Gamma", "Exponential"): (POS, [(0.5,), (2,), (5,)]), ("Gamma", "Gumbel"): (POS, ANY), ("Gamma", "Normal"): (POS, NORM), ("Gumbel", "Normal"): (ANY, NORM),
    ("Laplace", "Normal"): (ANY, NORM), ("Normal", "Gumbel"): (NORM, ANY), ("Normal", "Laplace"): (NORM, ANY),
    ("Pareto", "Exponential"): (PAR, [(0.5,), (2,), (5,)]), ("Pareto", "Gamma"): (PAR, POS), ("Pareto", "Normal"): (PAR + [(1, 1.5)], NORM + [(0, 0)]),
    ("Uniform", "Beta"): (INT + [(0, 1), (-1, 0.5)], POS + POS[:2]), ("Uniform", "Exponential"): (INT + [(-1, 1)], [(0.5,), (2,), (5,), (1,)]), ("Uniform", "Gamma"): (INT + [(-1, 1)], POS + POS[:1]),
    ("Uniform", "Gumbel"): (INT, ANY), ("Uniform", "Normal"): (INT, NORM), ("Uniform", "Pareto"): (INT, [(0.25, 1.5), (0.125, 3), (0.5, 2)]),
}


def divergence(p, q, a, b):
    log_p, where, _ = D[p]
    log_q = D[q][0]
    # Support and finiteness first: the quadrature would not notice.
    if p == "Uniform" and (q == "Beta" and (a[0] < 0 or a[1] > 1) or q in ("Exponential", "Gamma") and a[0] < 0 or q in ("Uniform", "Pareto") and a[0] < b[0] or q == "Uniform" and a[1] > b[1]):
        return inf
    if p == "Beta" and q == "Uniform" and (b[0] > 0 or b[1] < 1) or p == "Pareto" and q == "Pareto" and a[0] < b[0] or p == "Pareto" and q == "Normal" and a[1] <= 2:
        return inf
    if p in SUMS:
        return mp.fsum(mp.exp(log_p(F(k), *a)) * (log_p(F(k), *a) - log_q(F(k), *b)) for k in where(*a))

    def f(x):
        l = log_p(x, *a)
        return mp.exp(l) * (l - log_q(x, *b)) if mp.isfinite(l) else F(0)

    cuts = sorted({F(c) for c in where(*a)} | ({F(b[0])} if q == "Laplace" else set()))
    return mp.quad(f, cuts, maxdegree=9)


out = {}
for (p, q), (ps, qs) in CASES.items():
    kl = []
    for a, b in zip(ps, qs):
        a_, b_ = [F(v) for v in a], [F(v) for v in b]
        value = float(divergence(p, q, a_, b_))
        if torch is not None and D[p][2] and D[q][2]:
            make = lambda n, v: D[n][2](*[torch.tensor(float(t), dtype=torch.float64) for t in v])
            try:
                theirs = td.kl_divergence(make(p, a), make(q, b)).item()
            except (NotImplementedError, ValueError):
                theirs = None
            if theirs is not None and not np.isclose(value, theirs, rtol=1e-6, atol=1e-8):
                print("torch differs:", p, q, a, b, value, theirs)
        kl.append(value if np.isfinite(value) else "inf")
    out[f"{p} {q}"] = {"p": [list(map(float, a)) for a in ps], "q": [list(map(float, b)) for b in qs], "kl": kl}
    print(p, q, kl, flush=True)
OUT.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(OUT, OUT.stat().st_size, "bytes")

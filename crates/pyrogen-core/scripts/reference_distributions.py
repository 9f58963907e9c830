"""Writes tests/fixtures/distributions.json: densities, entropies, divergences and gradients.

    pip install numpy==2.4.6 scipy==1.17.1 torch==2.8.0 mpmath==1.3.0
    python crates/pyrogen-core/scripts/reference_distributions.py

Inputs are rounded to f32 first, so that the f64 results belong to exactly the numbers that the
Rust test uploads. Densities come from scipy and are checked against torch; gradients come from
torch's autograd in f64. The discretised logistic, which neither has, comes from mpmath with 60
digits: a difference of two logistic functions as it stands, and its derivatives by the chain rule.
"""

import json
import pathlib

import mpmath
import numpy as np
import scipy.special
import scipy.stats
import torch
from torch import distributions as td

torch.set_num_threads(1)
mpmath.mp.dps = 60
rng = np.random.default_rng(2026)
OUT = pathlib.Path(__file__).parent.parent / "tests" / "fixtures" / "distributions.json"


def f32(x):
    """Rounds to f32, kept as f64."""
    return np.asarray(x, dtype=np.float32).astype(np.float64)


def leaf(x):
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def grads(total, **leaves):
    got = torch.autograd.grad(total, list(leaves.values()), retain_graph=True)
    return {name: g.numpy() for name, g in zip(leaves, got)}


def array(x):
    x = np.asarray(x.detach() if isinstance(x, torch.Tensor) else x, dtype=np.float64)
    return {"shape": list(x.shape), "values": [float(f"{v:.10g}") for v in x.ravel()]}


def case(**entries):
    out = {}
    for name, value in entries.items():
        if isinstance(value, dict):
            out.update({f"{name}.{k}": array(v) for k, v in value.items()})
        elif isinstance(value, (int, float)):
            out[name] = value
        else:
            out[name] = array(value)
    return out


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def normal():
    shape = (3, 4)
    mean, log_var = f32(rng.normal(size=shape) * 2), f32(rng.normal(size=shape) * 2)
    mean2, log_var2 = f32(rng.normal(size=shape)), f32(rng.normal(size=shape))
    value = f32(rng.normal(size=shape) * 3)
    value[0, 0], log_var[0, 1], log_var[0, 2] = 40.0, -14.0, 9.0
    m, v, x, m2, v2 = map(leaf, (mean, log_var, value, mean2, log_var2))
    p, q = td.Normal(m, (v / 2).exp()), td.Normal(m2, (v2 / 2).exp())
    log_prob, entropy, kl = p.log_prob(x), p.entropy(), td.kl_divergence(p, q)
    close(log_prob.detach(), scipy.stats.norm.logpdf(value, mean, np.exp(log_var / 2)))
    close(entropy.detach(), scipy.stats.norm.entropy(mean, np.exp(log_var / 2)))
    return case(
        mean=mean, log_var=log_var, value=value, other_mean=mean2, other_log_var=log_var2,
        log_prob=log_prob, entropy=entropy, kl=kl, variance=p.variance,
        d_log_prob=grads(log_prob.sum(), mean=m, log_var=v, value=x),
        d_entropy=grads(entropy.sum(), log_var=v),
        d_kl=grads(kl.sum(), mean=m, log_var=v, other_mean=m2, other_log_var=v2),
    )


def bernoulli():
    logits = f32([[-100, -20, -3.5, -1e-3, 0], [0, 0.7, 5, 17, 80]])
    other = f32([[3, -15, -3.5, 2, 0], [-1, 0.5, 30, 15, -60]])
    value = f32([[1, 0, 1, 0, 1], [0.25, 1, 0, 1, 0.5]])
    l, m, x = map(leaf, (logits, other, value))
    p = td.Bernoulli(logits=l)
    # The expected log-probability for values between 0 and 1: torch's binary cross-entropy.
    log_prob = -torch.nn.functional.binary_cross_entropy_with_logits(l, x, reduction="none")
    # torch's entropy and divergence of Bernoulli clamp probabilities: from their definitions here.
    def parts(z):
        return z.sigmoid(), (-z).sigmoid(), torch.nn.functional.logsigmoid(z), torch.nn.functional.logsigmoid(-z)
    a, b, la, lb = parts(l)
    _, _, ma, mb = parts(m)
    entropy = -(a * la + b * lb)
    kl = a * (la - ma) + b * (lb - mb)
    whole = (value == 0) | (value == 1)
    with np.errstate(divide="ignore"):
        exact = scipy.stats.bernoulli.logpmf(value, scipy.special.expit(logits))
    inner = whole & (np.abs(logits) < 20)
    close(log_prob.detach().numpy()[inner], exact[inner])
    inner = np.abs(logits) < 20
    close(entropy.detach().numpy()[inner], p.entropy().detach().numpy()[inner])
    close(entropy.detach().numpy()[inner], scipy.stats.bernoulli.entropy(scipy.special.expit(logits))[inner])
    return case(
        logits=logits, other_logits=other, value=value,
        log_prob=log_prob, entropy=entropy, kl=kl, mean=p.mean, variance=p.variance,
        d_log_prob=grads(log_prob.sum(), logits=l, value=x),
        d_entropy=grads(entropy.sum(), logits=l),
        d_kl=grads(kl.sum(), logits=l, other_logits=m),
    )


def categorical():
    logits, other = f32(rng.normal(size=(2, 3, 5)) * 3), f32(rng.normal(size=(2, 3, 5)))
    logits[0, 0] = [0, 60, -60, 0, 59]
    value = np.array([[2, 1, 4], [0, 3, 3]])
    l, m = leaf(logits), leaf(other)
    p, q = td.Categorical(logits=l), td.Categorical(logits=m)
    log_prob, entropy, kl = p.log_prob(torch.tensor(value)), p.entropy(), td.kl_divergence(p, q)
    probs = scipy.special.softmax(logits, axis=-1)
    close(entropy.detach(), scipy.stats.entropy(probs, axis=-1))
    close(kl.detach(), scipy.stats.entropy(probs, scipy.special.softmax(other, axis=-1), axis=-1))
    # torch 2.8 stops the entropy's gradient where it clamps: from the definition here.
    lp = torch.log_softmax(l, -1)
    direct = -(lp.exp() * lp).sum(-1)
    close(direct.detach(), entropy.detach())
    return case(
        logits=logits, other_logits=other, value=value,
        log_prob=log_prob, entropy=entropy, kl=kl, probs=probs,
        d_log_prob=grads(log_prob.sum(), logits=l),
        d_entropy=grads(direct.sum(), logits=l),
        d_kl=grads(kl.sum(), logits=l, other_logits=m),
    )


def logistic_cdf(z):
    return 1 / (1 + mpmath.exp(-z))


def logistic_pdf(z):
    z = abs(z)
    return mpmath.exp(-z) / (1 + mpmath.exp(-z)) ** 2


def bin_of(value, mean, log_scale, levels):
    """Log-mass of a level, and its derivatives by value, mean and log_scale."""
    k = round(value * (levels - 1))
    x, m = mpmath.mpf(value), mpmath.mpf(mean)
    s, w = mpmath.exp(mpmath.mpf(log_scale)), mpmath.mpf(1) / (2 * (levels - 1))
    a, b = (x + w - m) / s, (x - w - m) / s
    upper, d_upper, z_upper = (1, 0, 0) if k == levels - 1 else (logistic_cdf(a), logistic_pdf(a), a)
    lower, d_lower, z_lower = (0, 0, 0) if k == 0 else (logistic_cdf(b), logistic_pdf(b), b)
    # Above the location both are near 1: there the mass is the same difference, mirrored, which 60
    # digits can hold.
    mass = upper - lower
    if 0 < k < levels - 1 and b > 0:
        mass = logistic_cdf(-b) - logistic_cdf(-a)
    elif k == levels - 1:
        mass = logistic_cdf(-b)
    d_x = (d_upper - d_lower) / s / mass
    d_log_scale = -(d_upper * z_upper - d_lower * z_lower) / mass
    return [float(v) for v in (mpmath.log(mass), d_x, -d_x, d_log_scale)]


def discretised(levels, mean, log_scale, value):
    out = np.array([bin_of(*t, levels) for t in zip(value, mean, log_scale)])
    return case(
        levels=levels, mean=mean, log_scale=log_scale, value=value, log_prob=out[:, 0],
        d_log_prob={"value": out[:, 1], "mean": out[:, 2], "log_scale": out[:, 3]},
    )


def discretised_moments(levels, mean, log_scale):
    """Mean and variance over the levels, and the mean of the clipped logistic by quadrature."""
    first, second, clipped = [], [], []
    for m, ls in zip(mean, log_scale):
        p = [mpmath.exp(bin_of(k / (levels - 1), m, ls, levels)[0]) for k in range(levels)]
        e1 = mpmath.fsum(q * k for k, q in enumerate(p)) / (levels - 1)
        e2 = mpmath.fsum(q * k * k for k, q in enumerate(p)) / (levels - 1) ** 2
        s = mpmath.exp(mpmath.mpf(ls))
        points = sorted({0.0, 1.0, min(max(m, 0.0), 1.0)})
        clipped.append(mpmath.quad(lambda t: logistic_cdf((mpmath.mpf(m) - t) / s), points))
        first.append(e1)
        second.append(e2 - e1**2)
    as_floats = lambda v: np.array([float(x) for x in v])
    return case(levels=levels, mean=mean, log_scale=log_scale, level_mean=as_floats(first),
                variance=as_floats(second), clipped_mean=as_floats(clipped))


def discretised_logistic():
    def usual(levels):
        n = 24
        mean, log_scale = f32(rng.uniform(-0.2, 1.2, n)), f32(rng.uniform(-5, 1, n))
        k = rng.integers(0, levels, n)
        k[:3], k[3:6] = 0, levels - 1
        return discretised(levels, mean, log_scale, f32(k / (levels - 1)))

    # Values far in the tail of a narrow law, where the bin's mass underflows f32 (and f64), and
    # laws so wide that a bin is a sliver of them.
    mean = [0.9, 0.1, 0.5, 0.5, 0.0, 1.0, -3.0, 4.0, 0.5, 0.25, 0.5, 0.5]
    log_scale = [-7, -7, -7, -7, -7, -7, -7, -7, 8, 12, -12, -5.5]
    k = [10, 250, 128, 127, 255, 0, 255, 0, 100, 3, 200, 127]
    extreme = discretised(256, f32(mean), f32(log_scale), f32(np.array(k) / 255))
    moments = discretised_moments(
        17, f32([0.5, 0.1, 0.97, -0.5, 1.5, 0.3]), f32([-2, -4, -1, -2, 1, -7]))
    return {"levels_256": usual(256), "levels_17": usual(17), "levels_2": usual(2),
            "extreme": extreme, "moments": moments}


def mixture():
    logits = f32(rng.normal(size=(4, 3)))
    mean, log_var = f32(rng.normal(size=(4, 3)) * 2), f32(rng.normal(size=(4, 3)))
    value = f32(rng.normal(size=4) * 2)
    value[3] = 60.0  # far from every component
    w, m, v, x = map(leaf, (logits, mean, log_var, value))
    mix = td.MixtureSameFamily(td.Categorical(logits=w), td.Normal(m, (v / 2).exp()))
    log_prob = mix.log_prob(x)
    normals = case(
        logits=logits, mean=mean, log_var=log_var, value=value, log_prob=log_prob,
        mix_mean=mix.mean, mix_variance=mix.variance,
        d_log_prob=grads(log_prob.sum(), logits=w, mean=m, log_var=v, value=x),
    )

    probs, coin = f32(rng.normal(size=(4, 3)) * 4), f32([0, 1, 1, 0])
    w, l = leaf(logits), leaf(probs)
    mix = td.MixtureSameFamily(td.Categorical(logits=w), td.Bernoulli(logits=l))
    log_prob = mix.log_prob(torch.tensor(coin))
    coins = case(logits=logits, component_logits=probs, value=coin, log_prob=log_prob,
                 mix_mean=mix.mean, mix_variance=mix.variance,
                 d_log_prob=grads(log_prob.sum(), logits=w, component_logits=l))

    mean, log_var = f32(rng.normal(size=(1, 3, 2)) * 2), f32(rng.normal(size=(1, 3, 2)))
    points, shared = f32(rng.normal(size=(5, 2)) * 2), f32(rng.normal(size=(1, 3)))
    w, m, v, x = map(leaf, (shared, mean, log_var, points))
    parts = td.Independent(td.Normal(m, (v / 2).exp()), 1)
    mix = td.MixtureSameFamily(td.Categorical(logits=w), parts)
    log_prob = mix.log_prob(x)
    joint = torch.log_softmax(w, -1) + parts.log_prob(x.unsqueeze(1))
    vectors = case(logits=shared, mean=mean, log_var=log_var, value=points, log_prob=log_prob,
                   posterior=joint.softmax(-1), mix_mean=mix.mean, mix_variance=mix.variance,
                   d_log_prob=grads(log_prob.sum(), logits=w, mean=m, log_var=v, value=x))

    levels = 256
    mean, log_scale = f32(rng.uniform(0, 1, (4, 3))), f32(rng.uniform(-7, -1, (4, 3)))
    pixel = f32(np.array([0, 255, 100, 180]) / 255)
    log_w = np.array([[float(mpmath.log(mpmath.exp(z) / mpmath.fsum(mpmath.exp(y) for y in row)))
                       for z in row] for row in logits])
    bins = np.array([[bin_of(pixel[i], mean[i, k], log_scale[i, k], levels) for k in range(3)]
                     for i in range(4)])
    joint = log_w + bins[:, :, 0]
    log_prob = scipy.special.logsumexp(joint, axis=1)
    share = np.exp(joint - log_prob[:, None])
    pixels = case(
        levels=levels, logits=logits, mean=mean, log_scale=log_scale, value=pixel, log_prob=log_prob,
        d_log_prob={"logits": share - np.exp(log_w), "mean": share * bins[:, :, 2],
                    "log_scale": share * bins[:, :, 3]},
    )
    return {"normals": normals, "coins": coins, "vectors": vectors, "pixels": pixels}


out = {"normal": normal(), "bernoulli": bernoulli(), "categorical": categorical(),
       "discretised_logistic": discretised_logistic(), "mixture": mixture()}
OUT.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(OUT, OUT.stat().st_size, "bytes")

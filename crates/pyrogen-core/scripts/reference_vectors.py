"""Writes tests/fixtures/vectors.json: distributions of vectors and matrices, from torch in double precision.

    pip install numpy==2.4.6 scipy==1.17.1 torch==2.8.0
    python crates/pyrogen-core/scripts/reference_vectors.py

Log-densities are compared with scipy.stats where it has them; gradients are torch's autograd. Inputs are
rounded to f32.
"""

import json
import pathlib

import numpy as np
import scipy.stats as st
import torch
from torch import distributions as td

torch.set_default_dtype(torch.float64)
OUT = pathlib.Path(__file__).parent.parent / "tests" / "fixtures" / "vectors.json"
rng = np.random.default_rng(7)


def f32(x):
    return torch.tensor(np.asarray(x, dtype=np.float32).astype(np.float64), requires_grad=True)


def array(x):
    x = x.detach().numpy()
    return {"shape": list(x.shape), "values": [float(v) for v in x.ravel()]}


def case(inputs, outputs, of):
    """Arrays, and the gradients of what `of` names by the inputs."""
    out = {k: array(v) for k, v in {**inputs, **outputs}.items()}
    for name in of:
        grads = torch.autograd.grad(outputs[name].sum(), list(inputs.values()), retain_graph=True, allow_unused=True)
        out |= {f"d_{name}.{k}": array(g) for k, g in zip(inputs, grads) if g is not None}
    return out


def close(mine, theirs):
    np.testing.assert_allclose(mine.detach().numpy().ravel(), np.asarray(theirs).ravel(), rtol=1e-8)


def dirichlet():
    a = f32([[1, 1, 1], [0.001, 2, 3], [1e5, 2e5, 5e4], [0.5, 0.5, 30]])
    b = f32([[1, 2, 0.5], [0.5, 2, 3], [1.01e5, 2e5, 5e4], [2, 0.5, 30]])
    x = f32([[0.2, 0.3, 0.5], [1e-20, 0.25, 0.75], [0.28, 0.575, 0.145], [0.01, 0.001, 0.989]])
    p, q = td.Dirichlet(a, validate_args=False), td.Dirichlet(b)
    return case({"concentration": a, "other": b, "value": x},
                {"log_prob": p.log_prob(x), "entropy": p.entropy(), "mean": p.mean, "variance": p.variance, "kl": td.kl_divergence(p, q)},
                ["log_prob", "entropy", "kl"])


def normals():
    m1, m2 = f32(rng.normal(size=(3, 4))), f32(rng.normal(size=(3, 4)))
    v1, v2 = f32(rng.uniform(0.2, 3, (3, 4))), f32(rng.uniform(0.2, 3, (3, 4)))
    tri = lambda: np.tril(rng.normal(size=(3, 4, 4)), -1) + np.einsum("ij,jk->ijk", rng.uniform(0.3, 2, (3, 4)), np.eye(4))
    l1, l2 = f32(tri()), f32(tri())
    w1, w2 = f32(rng.normal(size=(3, 4, 2))), f32(rng.normal(size=(3, 4, 2)))
    x = f32(rng.normal(size=(3, 4)) * 2)
    diagonal = lambda m, v: td.MultivariateNormal(m, scale_tril=torch.diag_embed(v.sqrt()))
    full = lambda m, l: td.MultivariateNormal(m, scale_tril=torch.tril(l))
    low = lambda m, w, v: td.LowRankMultivariateNormal(m, w, v)
    p = {"diagonal": diagonal(m1, v1), "cholesky": full(m1, l1), "low_rank": low(m1, w1, v1)}
    q = {"diagonal": diagonal(m2, v2), "cholesky": full(m2, l2), "low_rank": low(m2, w2, v2)}
    close(p["cholesky"].log_prob(x), [st.multivariate_normal(m.numpy(), c.numpy()).logpdf(y.numpy()) for m, c, y in zip(m1.detach(), p["cholesky"].covariance_matrix.detach(), x.detach())])
    outputs, of = {}, []
    for name, d in p.items():
        outputs |= {f"{name}.log_prob": d.log_prob(x), f"{name}.entropy": d.entropy(), f"{name}.variance": d.variance, f"{name}.covariance": d.covariance_matrix}
        of += [f"{name}.log_prob", f"{name}.entropy"]
        for other, e in q.items():
            outputs[f"{name}.{other}.kl"] = td.kl_divergence(td.MultivariateNormal(d.mean, d.covariance_matrix), td.MultivariateNormal(e.mean, e.covariance_matrix))
            of.append(f"{name}.{other}.kl")
    inputs = {"mean": m1, "variance": v1, "tril": l1, "factor": w1, "other_mean": m2, "other_variance": v2, "other_tril": l2, "other_factor": w2, "value": x}
    return case(inputs, outputs, of)


def categories():
    logits, other = f32(rng.normal(size=(3, 4)) * 2), f32(rng.normal(size=(3, 4)))
    x = torch.tensor([[0.0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    p, q = td.OneHotCategorical(logits=logits), td.OneHotCategorical(logits=other)
    counts = torch.tensor([[2.0, 1, 0, 7], [10, 0, 0, 0], [1, 2, 3, 4]])
    m = td.Multinomial(10, logits=logits)
    close(m.log_prob(counts), [st.multinomial(10, pr.numpy()).logpmf(c.numpy()) for pr, c in zip(m.probs.detach(), counts)])
    t = f32([[0.5], [0.1], [2]])
    y = f32([[0.1, 0.2, 0.3, 0.4], [0.97, 0.01, 0.01, 0.01], [0.25, 0.25, 0.25, 0.25]])
    relaxed = torch.stack([td.RelaxedOneHotCategorical(t[i, 0], logits=logits[i], validate_args=False).log_prob(y[i]) for i in range(3)])
    out = case({"logits": logits, "other": other}, {"log_prob": p.log_prob(x), "entropy": p.entropy(), "kl": td.kl_divergence(p, q), "multinomial": m.log_prob(counts), "mean": m.mean, "variance": m.variance}, ["log_prob", "kl", "multinomial"])
    relaxed_part = case({"temperature": t, "relaxed_value": y, "logits": logits}, {"relaxed": relaxed}, ["relaxed"])
    return out | relaxed_part | {"value": array(x), "counts": array(counts)}


def wishart():
    df = f32([4.5, 10])
    tri = np.tril(rng.normal(size=(2, 3, 3)), -1) + np.einsum("ij,jk->ijk", rng.uniform(0.5, 2, (2, 3)), np.eye(3))
    l = f32(tri)
    r = rng.normal(size=(2, 3, 5))
    x = f32(r @ r.transpose(0, 2, 1))
    p = td.Wishart(df, scale_tril=torch.tril(l))
    close(p.log_prob(x), [st.wishart(float(d), (a @ a.T).numpy()).logpdf(y.numpy()) for d, a, y in zip(df.detach(), torch.tril(l).detach(), x.detach())])
    close(p.entropy(), [st.wishart(float(d), (a @ a.T).numpy()).entropy() for d, a in zip(df.detach(), torch.tril(l).detach())])
    out = case({"df": df, "tril": l, "value": x}, {"log_prob": p.log_prob(x), "entropy": p.entropy(), "mean": p.mean, "variance": p.variance}, ["log_prob", "entropy"])
    df2 = f32([6, 3.5])
    l2 = f32(np.tril(tri[::-1] * 0.7, 0))
    # One by one: of a batch torch 2.8 adds up what belongs to different matrices.
    one = lambda df, l, i: td.Wishart(df[i], scale_tril=torch.tril(l[i]))
    kl = torch.stack([td.kl_divergence(one(df, l, i), one(df2, l2, i)) for i in range(2)])
    for i in range(2):  # the definition, by a million draws within 5 standard errors
        x = one(df, l, i).sample((1_000_000,))
        ratio = (one(df, l, i).log_prob(x) - one(df2, l2, i).log_prob(x)).detach()
        assert abs(ratio.mean() - kl[i]) < 5 * ratio.std() / 1000, (i, ratio.mean(), kl[i])
    return out | case({"df": df, "tril": l, "other_df": df2, "other_tril": l2}, {"kl": kl}, ["kl"])


def lkj():
    c = f32([0.5, 1, 7])
    factors = np.linalg.cholesky(np.array([[[1, 0.3, -0.2], [0.3, 1, 0.5], [-0.2, 0.5, 1]]] * 3))
    x = f32(factors)
    p = td.LKJCholesky(3, c, validate_args=False)
    return case({"concentration": c, "value": x}, {"log_prob": p.log_prob(x)}, ["log_prob"])


out = {f.__name__: f() for f in [dirichlet, normals, categories, wishart, lkj]}
OUT.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(OUT, OUT.stat().st_size, "bytes")

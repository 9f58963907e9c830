"""Writes tests/fixtures/{schedules,levels,samplers,guidance,assignment}.json.

    pip install torch==2.8.0 diffusers==0.42.1 scipy==1.17.1 torchdiffeq==0.2.5 torchsde==0.2.6
    pip install --no-deps k-diffusion==0.1.1.post1
    cd crates/pyrogen-solve && python scripts/reference_solve.py

Schedules and levels are the libraries' own arrays. For the samplers, both libraries run over the
denoiser `D(x, sigma) = m + x / (2 (1 + sigma^2))` with a fixed `m`, and with the noise that is in
the fixture; what they hold at the start of each step is written. Diffusers' variance-preserving
examples are divided by `sqrt(alphas_cumprod)`. k-diffusion's `sampling` and `external` are loaded
without the rest of the package, which wants programs for training.
"""

import importlib.util
import json
import pathlib
import sys
import types

import diffusers
import numpy as np
import scipy
import scipy.optimize
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg

torch.set_num_threads(1)
torch.manual_seed(2026)
OUT = pathlib.Path(__file__).parent.parent / "tests" / "fixtures"


def load_k_diffusion():
    """`k_diffusion.sampling` and `.external`, with the one function of `.utils` that they use here."""
    place = pathlib.Path(importlib.util.find_spec("k_diffusion").submodule_search_locations[0])
    package = types.ModuleType("k_diffusion")
    package.__path__ = [str(place)]
    utils = types.ModuleType("k_diffusion.utils")
    utils.append_dims = lambda x, n: x[(...,) + (None,) * (n - x.ndim)]
    sys.modules["k_diffusion"] = package
    sys.modules["k_diffusion.utils"] = package.utils = utils
    for name in ("sampling", "external"):
        spec = importlib.util.spec_from_file_location(f"k_diffusion.{name}", place / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[f"k_diffusion.{name}"] = module
        setattr(package, name, module)
        spec.loader.exec_module(module)
    return package


k_diffusion = load_k_diffusion()
K = k_diffusion.sampling


def rounded(x):
    return x.to(torch.float32).to(torch.float64)


def number(v):
    return float(f"{float(v):.8g}")


def numbers(x):
    return [number(v) for v in x]


def array(x):
    return {"shape": list(x.shape), "values": numbers(x.detach().flatten())}


def write(name, content):
    versions = {"diffusers": diffusers.__version__, "torch": torch.__version__, "scipy": scipy.__version__}
    with open(OUT / f"{name}.json", "w") as f:
        json.dump({**versions, **content}, f, separators=(",", ":"))
        f.write("\n")


# ---------------------------------------------------------------- schedules and levels

SCHEDULES = {
    "linear": ({"linear": {"start": 1e-4, "end": 0.02}}, dict(beta_schedule="linear", beta_start=1e-4, beta_end=0.02)),
    "scaled_linear": (
        {"scaled_linear": {"start": 0.00085, "end": 0.012}},
        dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012),
    ),
    "cosine": ({"cosine": {"offset": 0.008, "max_beta": 0.999}}, dict(beta_schedule="squaredcos_cap_v2")),
    "sigmoid": (
        {"sigmoid": {"start": 1e-4, "end": 0.02}},
        dict(beta_schedule="sigmoid", beta_start=1e-4, beta_end=0.02),
    ),
    # Diffusers gives the square root of the paper's cumulative product: its square is compared.
    "laplace": ({"laplace": {"mu": 0.0, "b": 0.5}}, dict(beta_schedule="laplace")),
}


def schedules():
    cases = []
    for name, (config, options) in SCHEDULES.items():
        for zero in (False, True) if name == "scaled_linear" else (False,):
            s = diffusers.DDPMScheduler(num_train_timesteps=1000, rescale_betas_zero_snr=zero, **options)
            cases.append({
                "name": name, "config": config, "zero_terminal_snr": zero,
                "betas": numbers(s.betas), "alphas_cumprod": numbers(s.alphas_cumprod),
            })
    write("schedules", {"cases": cases})


def scheduler_levels(scheduler, n):
    """Levels of diffusers' integer timesteps."""
    scheduler.set_timesteps(n)
    a = scheduler.alphas_cumprod.double()[scheduler.timesteps.long()]
    return [float(v) for v in ((1 - a) / a).sqrt()] + [0.0]


def levels():
    config, options = SCHEDULES["scaled_linear"]
    cases = []

    def case(spacing, n, values):
        cases.append({"spacing": spacing, "steps": n, "levels": numbers(values)})

    for spacing in ("leading", "trailing"):
        for n in (1, 7, 10, 33, 50):
            case(spacing, n, scheduler_levels(diffusers.DDIMScheduler(timestep_spacing=spacing, **options), n))
    ddim = diffusers.DDIMScheduler(**options)
    model = k_diffusion.external.DiscreteSchedule(
        ((1 - ddim.alphas_cumprod) / ddim.alphas_cumprod).double().sqrt(), quantize=False)
    for n in (2, 7, 10, 28):
        case("linspace", n, model.get_sigmas(n))
        euler = diffusers.EulerDiscreteScheduler(use_karras_sigmas=True, **options)
        euler.set_timesteps(n)
        case({"karras": {"rho": 7.0}}, n, euler.sigmas)
        euler = diffusers.EulerDiscreteScheduler(use_exponential_sigmas=True, **options)
        euler.set_timesteps(n)
        case("exponential", n, euler.sigmas)
    times = torch.tensor([0.0, 0.25, 1.0, 17.7, 500.5, 998.9, 999.0], dtype=torch.float64)
    sigmas = torch.tensor([0.001, 0.03, 0.1, 1.0, 3.3, 14.0, 20.0], dtype=torch.float64)
    write("levels", {
        "config": config, "cases": cases,
        "sigma_at": {"t": numbers(times), "sigma": numbers(model.t_to_sigma(times))},
        "time_at": {"sigma": numbers(sigmas), "t": numbers(model.sigma_to_t(sigmas))},
        "karras": {"levels": numbers(K.get_sigmas_karras(13, 0.002, 80.0, 7.0))},
        "exponential": {"levels": numbers(K.get_sigmas_exponential(13, 0.002, 80.0))},
    })


# ---------------------------------------------------------------- samplers

SHAPE = (2, 3)
M = rounded(torch.randn(SHAPE, dtype=torch.float64))


def denoise(x, sigma):
    sigma = torch.as_tensor(sigma, dtype=torch.float64)
    if sigma.ndim == 1:
        sigma = sigma[:, None]
    return M + x / (2 * (1 + sigma**2))


class Draws:
    """Standard normal numbers that are written to the fixture."""

    def __init__(self):
        self.given = []

    def __call__(self, *_, **__):
        self.given.append(rounded(torch.randn(SHAPE, dtype=torch.float64)))
        return self.given[-1]


def sampler_case(name, sampler, sigmas, start, xs, draws):
    return {
        "name": name, "sampler": sampler, "levels": [float(v) for v in sigmas],
        "start": array(start), "noise": [array(d) for d in draws],
        "xs": [array(x) for x in xs],
    }


def start_at(sigma):
    return rounded(torch.randn(SHAPE, dtype=torch.float64) * sigma)


def k_case(name, sampler, function, sigmas=None, keep=lambda sigma: True, **options):
    sigmas = K.get_sigmas_karras(8, 0.05, 20.0).double() if sigmas is None else sigmas
    start, draws, xs, levels = start_at(sigmas[0]), Draws(), [], []
    torch_randn_like = torch.randn_like
    torch.randn_like = draws
    try:
        end = function(denoise, start, sigmas, disable=True, callback=lambda s: (xs.append(s["x"]), levels.append(s["sigma"])), **options)
    finally:
        torch.randn_like = torch_randn_like
    given = draws.given if options.get("eta") != 0.0 else []  # drawn and scaled by zero
    if len(given) == len(xs):  # one draw a step, used or not
        given = [d for d, sigma in zip(given, levels) if keep(float(sigma))]
    return sampler_case(f"k-diffusion {name}", sampler, sigmas, start, xs + [end], given)


def brownian(sigmas):
    """Increments of one Brownian motion for sample_dpmpp_sde: the first half, then the whole step."""
    draws = Draws()
    state = {}

    def increment(sigma, following):
        sigma, following = float(sigma), float(following)
        if "middle" not in state:
            state.update(middle=following, first=draws())
            return state["first"]
        share = (sigma - state.pop("middle")) / (sigma - following)
        return share**0.5 * state.pop("first") + (1 - share) ** 0.5 * draws()

    return increment, draws


def k_sde_case(eta):
    sigmas = K.get_sigmas_karras(8, 0.05, 20.0).double()
    start, xs = start_at(sigmas[0]), []
    increment, draws = brownian(sigmas)
    end = K.sample_dpmpp_sde(denoise, start, sigmas, disable=True, eta=eta, noise_sampler=increment,
                             callback=lambda s: xs.append(s["x"]))
    return sampler_case("k-diffusion dpmpp_sde", {"dpmpp_sde": {"eta": eta}}, sigmas, start, xs + [end], draws.given)


def independent():
    draws = Draws()
    return draws, {"noise_sampler": draws}


def k_cases():
    edm = {"churn": 6.0, "sigma_min": 0.2, "sigma_max": 9.0, "noise": 1.01}
    cases = [
        k_case("euler", "euler", K.sample_euler, keep=lambda s: False),
        k_case("heun", "heun", K.sample_heun, keep=lambda s: False),
        k_case("heun, churn", {"edm": edm}, K.sample_heun, keep=lambda s: 0.2 <= s <= 9.0,
               s_churn=6.0, s_tmin=0.2, s_tmax=9.0, s_noise=1.01),
        k_case("euler_ancestral", {"euler_ancestral": {"eta": 0.7}}, K.sample_euler_ancestral, eta=0.7),
        k_case("2s", "dpmpp_2s", K.sample_dpmpp_2s_ancestral, keep=lambda s: False, eta=0.0),
        k_case("2s_ancestral", {"dpmpp_2s_ancestral": {"eta": 1.0}}, K.sample_dpmpp_2s_ancestral, eta=1.0),
        k_case("2m", "dpmpp_2m", K.sample_dpmpp_2m),
        k_case("lms", {"lms": {"order": 4}}, K.sample_lms, order=4),
        k_case("lms 2", {"lms": {"order": 2}}, K.sample_lms, order=2),
        k_sde_case(0.8),
    ]
    for eta in (0.0, 0.6):
        for m, function in (("2m", K.sample_dpmpp_2m_sde), ("3m", K.sample_dpmpp_3m_sde)):
            draws, options = independent()
            case = k_case(f"{m}_sde eta={eta}", {f"dpmpp_{m}_sde": {"eta": eta}}, function, eta=eta, **options)
            case["noise"] = [array(d) for d in draws.given]
            cases.append(case)
    return cases


def patched(module, draws):
    """Has a diffusers module take its noise from `draws`."""
    sys.modules[f"diffusers.schedulers.{module}"].randn_tensor = draws


def vp_case(name, sampler, scheduler, module, n, **options):
    """A scheduler over variance-preserving examples and integer timesteps."""
    sigmas = scheduler_levels(scheduler, n)
    draws = Draws()
    patched(module, draws)
    x, xs = start_at(sigmas[0]), []
    start = x
    for t, sigma, following in zip(scheduler.timesteps, sigmas, sigmas[1:]):
        xs.append(x)
        # In f64: diffusers multiplies by its own f32 roots, and these are the same numbers.
        here = float(scheduler.alphas_cumprod[int(t)]) ** 0.5
        there = 1 / (1 + following**2) ** 0.5
        out = scheduler.step(denoise(x, sigma), t, x * here, **options).prev_sample
        x = out / there
    given = draws.given[: len(xs) - 1]  # the last is scaled by zero
    return sampler_case(f"diffusers {name}", sampler, sigmas, start, xs + [x], given)


def sigma_case(name, sampler, scheduler, n, module=None, vp=False, denoisings=1, **options):
    """A scheduler that has its noise levels in `sigmas`."""
    scheduler.set_timesteps(n)
    sigmas = scheduler.sigmas.double()
    if denoisings == 2:
        sigmas = torch.cat([sigmas[:1], sigmas[1::2]])
    draws = Draws()
    if module:
        patched(module, draws)
    x, xs, given = start_at(sigmas[0]), [], []
    start, i, calls = x, 0, 0
    for t in scheduler.timesteps:
        second = denoisings == 2 and calls % 2 == 1
        if not second:
            xs.append(x)
        sigma = float(sigmas[i + 1] if second else sigmas[i])
        following = float(sigmas[i + 1])
        before = len(draws.given)
        scale = (1 + sigma**2) ** 0.5 if vp else 1.0
        down = (1 + following**2) ** 0.5 if vp else 1.0
        if not vp:
            scheduler.scale_model_input(x, t)
        x = scheduler.step(denoise(x, sigma), t, x / scale, **options).prev_sample * down
        if following > 0:
            given += draws.given[before:]
        calls += 1
        i += 0 if denoisings == 2 and calls % 2 == 1 else 1
    return sampler_case(f"diffusers {name}", sampler, sigmas, start, xs + [x], given)


def diffusers_cases():
    _, options = SCHEDULES["scaled_linear"]
    plain = dict(prediction_type="sample", **options)
    clip = dict(clip_sample=False, timestep_spacing="trailing", **plain)
    ddim = lambda: diffusers.DDIMScheduler(set_alpha_to_one=True, **clip)
    return [
        vp_case("ddpm", "ddpm", diffusers.DDPMScheduler(variance_type="fixed_small", **clip), "scheduling_ddpm", 8),
        vp_case("ddpm large", "ddpm_large", diffusers.DDPMScheduler(
            variance_type="fixed_large", **{**clip, "timestep_spacing": "leading"}), "scheduling_ddpm", 8),
        vp_case("ddim", {"ddim": {"eta": 0.0}}, ddim(), "scheduling_ddim", 8),
        vp_case("ddim eta", {"ddim": {"eta": 0.5}}, ddim(), "scheduling_ddim", 8, eta=0.5),
        sigma_case("euler", "euler", diffusers.EulerDiscreteScheduler(use_karras_sigmas=True, **plain), 8),
        sigma_case("heun", "heun", diffusers.HeunDiscreteScheduler(use_karras_sigmas=True, **plain), 6, denoisings=2),
        sigma_case("dpmpp 2m", "dpmpp_2m", diffusers.DPMSolverMultistepScheduler(
            use_karras_sigmas=True, final_sigmas_type="zero", **plain), 8, vp=True),
        sigma_case("dpmpp 2m sde", {"dpmpp_2m_sde": {"eta": 1.0}}, diffusers.DPMSolverMultistepScheduler(
            use_karras_sigmas=True, final_sigmas_type="zero", algorithm_type="sde-dpmsolver++", **plain), 8,
            module="scheduling_dpmsolver_multistep", vp=True),
        sigma_case("unipc 1", {"unipc": {"order": 1}}, unipc(1, plain), 8, vp=True),
        sigma_case("unipc 2", {"unipc": {"order": 2}}, unipc(2, plain), 8, vp=True),
        sigma_case("unipc 3", {"unipc": {"order": 3}}, unipc(3, plain), 8, vp=True),
        sigma_case("lms", {"lms": {"order": 4}}, diffusers.LMSDiscreteScheduler(use_karras_sigmas=True, **plain), 8),
    ]


def unipc(order, plain):
    return diffusers.UniPCMultistepScheduler(solver_order=order, use_karras_sigmas=True, final_sigmas_type="zero", **plain)


def ancestral_case():
    """The ancestral scheduler knows no example prediction in this version: it gets the noise."""
    _, options = SCHEDULES["scaled_linear"]
    scheduler = diffusers.EulerAncestralDiscreteScheduler(timestep_spacing="trailing", **options)
    scheduler.set_timesteps(8)
    sigmas = scheduler.sigmas.double()
    draws = Draws()
    patched("scheduling_euler_ancestral_discrete", draws)
    x, xs = start_at(sigmas[0]), []
    start = x
    for i, t in enumerate(scheduler.timesteps):
        xs.append(x)
        scheduler.scale_model_input(x, t)
        epsilon = (x - denoise(x, sigmas[i])) / sigmas[i]
        x = scheduler.step(epsilon, t, x).prev_sample.double()
    return sampler_case("diffusers euler ancestral", {"euler_ancestral": {"eta": 1.0}}, sigmas, start, xs + [x], draws.given[:-1])


def flow_cases():
    """Schedulers over a velocity `v(x, t) = x / (1 + t) - m`."""
    cases = []
    for name, scheduler in (
        ("euler", diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)),
        ("heun", diffusers.FlowMatchHeunDiscreteScheduler(shift=3.0)),
    ):
        scheduler.set_timesteps(6)
        times = scheduler.sigmas.double()
        x = start_at(1.0)
        start, calls, i, xs = x, 0, 0, []
        if name == "heun":
            times = torch.cat([times[:1], times[1::2]])
        for t in scheduler.timesteps:
            second = name == "heun" and calls % 2 == 1
            at = times[i + 1] if second else times[i]
            if not second:
                xs.append(x)
            x = scheduler.step((x / (1 + at) - M).float(), t, x.float()).prev_sample.double()
            calls += 1
            i += 0 if name == "heun" and calls % 2 == 1 else 1
        cases.append({"name": f"diffusers flow {name}", "solver": name, "times": [float(t) for t in times],
                      "start": array(start), "xs": [array(v) for v in xs + [x]]})
    return cases


def repaint_case():
    _, options = SCHEDULES["linear"]
    scheduler = diffusers.RePaintScheduler(eta=1.0, clip_sample=False, **options)
    scheduler.set_timesteps(8, jump_length=1, jump_n_sample=1)
    draws = Draws()
    patched("scheduling_repaint", draws)
    known, mask = start_at(1.0), torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    a = scheduler.alphas_cumprod.double()
    sigmas = [float(((1 - a[t]) / a[t]) ** 0.5) for t in scheduler.timesteps] + [0.0]
    x, xs = start_at(sigmas[0]), []
    start = x
    for i, t in enumerate(scheduler.timesteps):
        xs.append(x)
        here = float(a[t]) ** 0.5
        there = 1 / (1 + sigmas[i + 1] ** 2) ** 0.5
        epsilon = (x - denoise(x, sigmas[i])) / sigmas[i]
        x = scheduler.step(epsilon, t, x * here, known, mask).prev_sample / there
    case = sampler_case("diffusers repaint", "ddpm", sigmas, start, xs + [x], draws.given[:-1])
    return {**case, "known": array(known), "mask": array(mask)}


def samplers():
    cases = k_cases() + diffusers_cases() + [ancestral_case()]
    write("samplers", {"m": array(M), "cases": cases, "flow": flow_cases(), "repaint": repaint_case()})


# ---------------------------------------------------------------- guidance, thresholds, assignment


def guidance():
    with_class, without = (rounded(torch.randn(2, 3, 4, dtype=torch.float64) * s) for s in (1.0, 1.5))
    guided = without + 3.0 * (with_class - without)
    scales = torch.tensor([0.4, 1.5, 4.0], dtype=torch.float64).reshape(3, 1, 1)
    clean = rounded(torch.randn(3, 2, 5, dtype=torch.float64) * scales)
    thresholds = []
    for ratio, largest in ((0.9, 1.0), (0.8, 1.5), (0.995, 100.0)):
        scheduler = diffusers.DDPMScheduler(dynamic_thresholding_ratio=ratio, sample_max_value=largest, thresholding=True)
        out = scheduler._threshold_sample(clean)
        thresholds.append({"ratio": ratio, "largest": largest, "out": array(out)})
    write("guidance", {
        "with_class": array(with_class), "without": array(without), "weight": 3.0,
        "guided": array(guided), "rescale": 0.7,
        "rescaled": array(rescale_noise_cfg(guided, with_class, guidance_rescale=0.7)),
        "clean": array(clean), "thresholds": thresholds,
    })


def assignment():
    rng = np.random.default_rng(2026)
    cases = []
    for n in (1, 2, 3, 5, 8, 17, 32):
        for kind in range(3):
            cost = np.round(rng.normal(size=(n, n)) * 3, 5)
            if kind == 1:  # distances, as the pairing has them
                a, b = rng.normal(size=(n, 2)), rng.normal(size=(n, 2))
                cost = np.round(((a[:, None] - b[None]) ** 2).sum(-1), 5)
            if kind == 2:  # ties
                cost = rng.integers(0, 4, size=(n, n)).astype(float)
            rows, columns = scipy.optimize.linear_sum_assignment(cost)
            cases.append({"n": n, "cost": cost.ravel().tolist(), "columns": columns.tolist(),
                          "total": number(cost[rows, columns].sum()), "unique": kind != 2})
    write("assignment", {"cases": cases})


schedules()
levels()
samplers()
guidance()
assignment()

"""Plans that the tests of this folder share, made by hand as the resolver makes them."""

from __future__ import annotations

from stackcheck.environments.packages import packages_of
from stackcheck.environments.recipe import Recipe
from stackcheck.model.build import Build
from stackcheck.model.plan import Plan
from stackcheck.model.version import Version


def build(framework, version, label, channel="pypi", **fields):
    cuda = fields.pop("cuda", None)
    return Build(
        framework=framework,
        version=Version(version),
        build=label,
        channel=channel,
        platform=fields.pop("platform", "linux-x86_64"),
        distribution=fields.pop("distribution", framework),
        cuda=Version(cuda) if cuda else None,
        **fields,
    )


TORCH_CU128 = build(
    "pytorch",
    "2.9.0",
    "cu128",
    "pytorch",
    distribution="torch",
    cuda="12.8",
    companions={"torchvision": "0.24.0"},
)
TORCH_CPU = build("pytorch", "2.13.0", "cpu", "pytorch", distribution="torch")
TORCH_FORGE = build(
    "pytorch", "2.13.0", "cuda129", "conda-forge", distribution="pytorch-gpu", cuda="12.9"
)
JAX_FORGE = build("jax", "0.9.2", "cuda129", "conda-forge", distribution="jaxlib", cuda="12.9")
TENSORFLOW_FORGE = build(
    "tensorflow", "2.19.1", "cuda128", "conda-forge", distribution="tensorflow", cuda="12.8"
)
TORCH_LEGACY = build(
    "pytorch", "2.5.1", "cu124", "conda:pytorch", distribution="pytorch", cuda="12.4"
)
TORCH_OLD = build("pytorch", "1.7.1", "cu110", "conda:pytorch", distribution="pytorch", cuda="11.0")
TENSORFLOW_OLD = build(
    "tensorflow", "2.4.1", "cu110", distribution="tensorflow", cuda="11.0", cuda_linkage="system"
)
JAX_WHEEL = build(
    "jax",
    "0.7.1",
    "cu12",
    distribution="jax",
    cuda="12.9",
    install='pip install "jax[cuda12]==0.7.1"',
)
PADDLE = build(
    "paddlepaddle",
    "3.3.1",
    "cu126",
    "paddle",
    distribution="paddlepaddle-gpu",
    cuda="12.6",
    install="pip install paddlepaddle-gpu==3.3.1 -i https://paddle.example/stable/cu126/",
)
JAX_OLD = build(
    "jax",
    "0.3.25",
    "cu11",
    "jax-releases",
    distribution="jax",
    cuda="11.4",
    install='pip install "jax[cuda11_cudnn82]==0.3.25" -f https://jax.example/jax_cuda_releases.html',
)


def plan(*builds, python="3.12", cuda=None, **fields):
    gpu = [entry.cuda for entry in builds if entry.cuda]
    for name in ("driver_cuda", "glibc"):
        if name in fields:
            fields[name] = Version(fields[name])
    fields["capabilities"] = tuple(Version(text) for text in fields.get("capabilities", ()))
    return Plan(builds=builds, python=python, cuda=gpu[0] if gpu else cuda, cudnn=None, **fields)


def recipe(*builds, name="sc-env", prefix="", additions=(), **fields):
    made = plan(*builds, **fields)
    return Recipe(made, packages_of(made, additions), name, prefix)

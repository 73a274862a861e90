"""PY-03: JAX without its CUDA plugin."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import InvalidVersion, Version, parse_version
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, distributions_of, require_gpu

__all__ = ["RULE"]

FIRST_PLUGIN = Version("0.4.16")
"""Before it CUDA builds of jaxlib had a label of their own."""


def judge(situation: Situation) -> Finding | None:
    """Judge the distributions beside jaxlib."""
    machine = situation.machine
    require_gpu(machine)
    distributions = distributions_of(machine)
    jaxlib = distributions.get("jaxlib")
    if jaxlib is None:
        raise NotApplicable("JAX is not installed")
    try:
        version = parse_version(jaxlib.version)
    except InvalidVersion:
        return None
    plugins = [name for name in distributions if name.startswith("jax-cuda")]
    by_conda = (jaxlib.conda_build.peek() or "").startswith("cuda")
    if plugins or by_conda or "cuda" in (version.local or "") or version < FIRST_PLUGIN:
        return None
    driver = machine.driver.cuda.peek()
    extra = "cuda13" if driver and driver.major >= 13 else "cuda12"
    return RULE.finding(
        f"jaxlib {jaxlib.version} is installed without a CUDA plugin",
        evidence=(
            Evidence("jaxlib", jaxlib.version, jaxlib.path),
            Evidence("jax-cuda12-plugin, jax-cuda13-plugin", "neither is installed", "environment"),
        ),
        cause="`pip install jax` brings the CPU backend only.",
        fix=Fix(
            "Install JAX with its CUDA extra",
            (f"python -m pip install --upgrade 'jax[{extra}]'",),
            reversible=True,
        ),
        verify="python -c 'import jax; print(jax.devices())'",
        subject="jaxlib",
    )


RULE = MachineRule(
    code="PY-03",
    reason="cpu-only-build-installed",
    layer="python",
    title="JAX without its CUDA plugin",
    explanation="JAX's GPU support is a plugin of its own. The same message also follows a plugin that is there and"
    " failed to load.",
    messages=(
        "An NVIDIA GPU may be present on this machine, but a CUDA-enabled jaxlib is not installed.",
    ),
    source="jax-ml/jax#29068; JeffSHF/ColabDock#28",
    judge=judge,
    follows=("PY-01",),
)

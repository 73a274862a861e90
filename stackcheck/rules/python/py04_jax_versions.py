"""PY-04: JAX's plugin and jaxlib are of different versions."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, distributions_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge plugin and PJRT packages against jaxlib."""
    distributions = distributions_of(situation.machine)
    jaxlib = distributions.get("jaxlib")
    parts = [entry for name, entry in distributions.items() if name.startswith("jax-cuda")]
    if jaxlib is None or not parts:
        raise NotApplicable("JAX's CUDA plugin is not installed")
    wrong = [entry for entry in parts if entry.version != jaxlib.version]
    if not wrong:
        return None
    jax = distributions.get("jax")
    wanted = jax.version if jax else jaxlib.version
    extra = "cuda13" if "cuda13" in wrong[0].name else "cuda12"
    return RULE.finding(
        f"{wrong[0].name} is {wrong[0].version}, jaxlib is {jaxlib.version}: they must be of one version",
        evidence=tuple(
            Evidence(entry.name, entry.version, entry.path) for entry in (jaxlib, *parts)
        ),
        cause="One of them was upgraded alone. The plugin is compiled against exactly its jaxlib.",
        fix=Fix(
            "Install them in one command",
            (f"python -m pip install 'jax[{extra}]=={wanted}' jaxlib=={wanted}",),
            reversible=True,
        ),
        verify="python -c 'import jax; print(jax.devices())'",
        subject=wrong[0].name,
    )


RULE = MachineRule(
    code="PY-04",
    reason="co-install-conflict",
    layer="python",
    title="JAX plugin and jaxlib differ",
    explanation="jax, jaxlib, jax-cudaNN-plugin and jax-cudaNN-pjrt are four packages of one release.",
    messages=(
        "JAX plugin jax_cuda12_plugin version 0.9.2 is installed, but it is not compatible with the installed jaxlib",
        "INVALID_ARGUMENT: Mismatched PJRT plugin PJRT API version (0.54) and framework PJRT API version 0.51)",
    ),
    source="ma-gilles/recovar#64; jax-ml/jax#24901, #22416",
    judge=judge,
)

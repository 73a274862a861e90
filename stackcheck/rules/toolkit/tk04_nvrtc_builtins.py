"""TK-04: NVRTC's builtins are missing, or of another minor."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the builtins beside each NVRTC of the environment."""
    libraries = environment_of(situation.machine).libraries.get() or ()
    compilers = [library for library in libraries if library.soname.startswith("libnvrtc.so.")]
    builtins = {
        library.soname for library in libraries if library.soname.startswith("libnvrtc-builtins")
    }
    if not compilers:
        raise NotApplicable("no NVRTC in the environment")
    for compiler in compilers:
        version = compiler.version.get()
        if version is None:
            continue
        wanted = f"libnvrtc-builtins.so.{version.major}.{version.minor}"
        if wanted in builtins:
            continue
        beside = ", ".join(sorted(builtins)) or "none"
        return RULE.finding(
            f"NVRTC {version} needs {wanted}; there is {beside}",
            evidence=(
                Evidence(compiler.soname, f"{version} ({compiler.path})", compiler.version.source),
                Evidence("builtins", beside, "environment"),
            ),
            cause="Two NVRTC packages overwrote one another, or an installation was cut short.",
            fix=Fix(
                "Reinstall the NVRTC package",
                (
                    f"python -m pip install --force-reinstall --no-deps nvidia-cuda-nvrtc-cu{version.major}",
                )
                if version.major < 13
                else ("python -m pip install --force-reinstall --no-deps nvidia-cuda-nvrtc",),
                reversible=True,
            ),
            verify=f"ls {compiler.path.rpartition('/')[0]}",
        )
    return None


RULE = MachineRule(
    code="TK-04",
    reason="other",
    layer="toolkit",
    title="NVRTC's builtins missing",
    explanation="NVRTC opens its builtins by a name with its own minor version, in its own directory.",
    messages=(
        "nvrtc: error: failed to open libnvrtc-builtins.so.13.0. Make sure that libnvrtc-builtins is installed",
    ),
    source="pytorch/TensorRT#3893; NVIDIA/numba-cuda#196; darglein/ADOP#63",
    judge=judge,
)

"""PY-13: NumPy outside the range that the build's compiled code can live with."""

from __future__ import annotations

from stackcheck.model.build import Build
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.specifier import admits
from stackcheck.rules.rule import BuildRule, Situation

__all__ = ["RULE"]


def judge(build: Build, situation: Situation) -> Finding | None:
    """Judge the NumPy beside the build."""
    numpy = situation.packages.get("numpy")
    if not build.numpy or numpy is None or admits(build.numpy, numpy):
        return None
    return RULE.finding(
        f"NumPy {numpy} is beside {build.label}, which needs numpy{build.numpy}",
        evidence=(
            Evidence("numpy", str(numpy), "installed or asked for"),
            Evidence(
                build.label,
                f"numpy{build.numpy}",
                build.evidence[0].source if build.evidence else "metadata",
            ),
        ),
        cause="Compiled code is bound to NumPy's C interface of its day, which changed with NumPy 2; old code also uses"
        " names that NumPy has since removed.",
        fix=Fix(
            f"Install a NumPy of that range: numpy{build.numpy}",
            (f"python -m pip install 'numpy{build.numpy}'",),
        ),
        verify="python -c 'import numpy; print(numpy.__version__)'",
        subject=build.label,
    )


RULE = BuildRule(
    code="PY-13",
    reason="numpy-abi",
    layer="python",
    title="NumPy does not fit the build",
    explanation="Modules compiled before mid-2024 crash or refuse to run with NumPy 2; newer releases drop old"
    " NumPy. Few declare it in their metadata, so installers do not see it.",
    messages=(
        "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0.2 as it may crash.",
        "numpy.dtype size changed, may indicate binary incompatibility",
    ),
    source="pyg-team/pytorch-frame#525; ai2cm/ace#378; NumPy 2.0 migration guide",
    judge=judge,
)

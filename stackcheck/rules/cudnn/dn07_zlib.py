"""DN-07: zlib, which cuDNN 8 needs, is missing."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of, require_platform

__all__ = ["RULE"]

FIRST, AFTER_LAST = Version("8.3"), Version("9")


def judge(situation: Situation) -> Finding | None:
    """Judge the loader's reach for zlib, where a cuDNN of 8.3 to 8.9 is installed."""
    machine = situation.machine
    require_platform(machine, "linux", "wsl2")
    found = [
        library
        for library in environment_of(machine).libraries.get() or ()
        if library.soname == "libcudnn.so.8"
    ]
    if not found:
        raise NotApplicable("no cuDNN 8 here")
    zlib = limit_of(machine, "zlib")
    version = found[0].version.get()
    if version is None or not FIRST <= version < AFTER_LAST or zlib.get():
        return None
    return RULE.finding(
        f"cuDNN {version} needs libz.so.1, which the loader does not find",
        evidence=(
            Evidence(found[0].soname, f"{version} ({found[0].path})", found[0].version.source),
            observed("libz.so.1", zlib, lambda there: "found" if there else "not found"),
        ),
        cause="cuDNN 8.3 to 8.9 link zlib; minimal images leave it out.",
        fix=Fix(
            "Install zlib",
            ("sudo apt-get install zlib1g || sudo dnf install zlib",),
            needs_root=True,
        ),
        verify="ldconfig -p | grep libz.so.1",
    )


RULE = MachineRule(
    code="DN-07",
    reason="cudnn-mismatch",
    layer="cudnn",
    title="zlib missing",
    explanation="On Windows the file is zlibwapi.dll, on Linux libz.so.1.",
    messages=(
        "Could not locate zlibwapi.dll",
        "libcudnn_cnn_infer.so.8: cannot open shared object file",
    ),
    source="cupy/cupy#6226; microsoft/onnxruntime#17510",
    judge=judge,
)

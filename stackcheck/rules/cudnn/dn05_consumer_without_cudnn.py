"""DN-05: a package that brings no cuDNN cannot find one."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import InvalidVersion, Version, parse_version
from stackcheck.rules.observation import observed, variable_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of, require_gpu

__all__ = ["RULE"]

CONSUMERS = {"ctranslate2": Version("4.5"), "onnxruntime-gpu": Version("1.19")}
"""Distribution to the first release that opens cuDNN 9 by name and ships none."""
PRELOADS = Version("1.21")
"""onnxruntime-gpu from here on can load the environment's wheels itself (preload_dlls)."""


def judge(situation: Situation) -> Finding | None:
    """Judge the loader's reach for cuDNN 9; whether a framework is imported before it, nobody sees here."""
    machine = situation.machine
    require_gpu(machine)
    environment = environment_of(machine)
    consumer = None
    for distribution in environment.distributions.get() or ():
        first = CONSUMERS.get(distribution.name)
        try:
            if first is not None and parse_version(distribution.version) >= first:
                consumer = distribution
                break
        except InvalidVersion:
            continue
    if consumer is None:
        raise NotApplicable("nothing that needs somebody else's cuDNN 9 is installed")
    if consumer.name == "onnxruntime-gpu" and parse_version(consumer.version) >= PRELOADS:
        return None
    system = machine.system_cudnn.get()
    if system is not None and system.soname.endswith(".9"):
        return None
    bundled = next(
        (
            library
            for library in environment.libraries.get() or ()
            if library.soname == "libcudnn.so.9"
        ),
        None,
    )
    path = variable_of(machine, "LD_LIBRARY_PATH") or ""
    if bundled and bundled.path.rpartition("/")[0] in path.split(":"):
        return None
    command = (
        f"export LD_LIBRARY_PATH={bundled.path.rpartition('/')[0]}"
        if bundled
        else "python -m pip install 'nvidia-cudnn-cu12>=9,<10'"
    )
    return RULE.finding(
        f"{consumer.name} {consumer.version} needs cuDNN 9 and brings none; the loader finds"
        f" {system.soname if system else 'none'}",
        evidence=(
            Evidence(consumer.name, consumer.version, consumer.path),
            observed("cuDNN on the system", machine.system_cudnn, lambda found: found.path),
            Evidence(
                "cuDNN in the environment",
                bundled.path if bundled else "none",
                environment.prefix,
            ),
        ),
        cause="It opens libcudnn_ops.so.9 by name. A copy inside site-packages is not on the loader's path.",
        fix=Fix(
            "Put a cuDNN 9 of its CUDA major on the loader's path", (command,), reversible=True
        ),
        verify="stackcheck doctor --only DN-05",
        subject=consumer.name,
    )


RULE = MachineRule(
    code="DN-05",
    reason="cudnn-mismatch",
    layer="cudnn",
    severity="warning",
    title="cuDNN 9 not in the reach of what needs it",
    explanation="CTranslate2 (faster-whisper) and ONNX Runtime expect cuDNN where the loader looks.",
    messages=(
        "Unable to load any of {libcudnn_ops.so.9.1.0, libcudnn_ops.so.9.1, libcudnn_ops.so.9, libcudnn_ops.so}",
        "Invalid handle. Cannot load symbol cudnnCreateTensorDescriptor",
    ),
    source="MahmoudAshraf97/whisper-diarization#259; QuentinFuxa/WhisperLiveKit#271",
    judge=judge,
)

"""The stack of one machine, one row a layer: what is there, and how it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, TypeVar

from stackcheck.model.diagnosis import Diagnosis
from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.model.machine import Machine
from stackcheck.model.record import record
from stackcheck.rules.layer import LAYERS, Layer

__all__ = ["Row", "RowStatus", "describe_machine", "rows_of"]

RowStatus = Literal["ok", "info", "warning", "error", "unknown", "skipped"]
_GRAVITY: tuple[RowStatus, ...] = ("error", "warning", "unknown", "info", "ok", "skipped")

T = TypeVar("T")


@record(frozen=True)
class Row:
    """One layer as a report shows it."""

    layer: Layer
    status: RowStatus
    text: str


def rows_of(diagnosis: Diagnosis) -> tuple[Row, ...]:
    """Return the layers that have something to say, from the GPU up; empty ones only with a finding."""
    rows = []
    for layer in LAYERS:
        status = _status(diagnosis, layer)
        text = _DESCRIPTIONS[layer.prefix](diagnosis.machine)
        if status != "skipped" and (text or status not in ("ok", "unknown")):
            rows.append(Row(layer, status, text or "see the finding"))
    return tuple(rows)


def _status(diagnosis: Diagnosis, layer: Layer) -> RowStatus:
    """Return the gravest that was found in a layer, consequences of other layers' causes included."""
    seen: list[RowStatus] = []
    for finding in diagnosis.findings:
        codes = [finding.code, *(text.partition(":")[0] for text in finding.consequences)]
        if any(code.startswith(layer.prefix) for code in codes):
            seen.append(finding.severity)
    for check in diagnosis.checks:
        if check.code.startswith(layer.prefix) and check.outcome != "finding":
            unjudged = check.outcome in ("unknown", "crashed")
            passed: RowStatus = "ok" if check.outcome == "pass" else "skipped"
            seen.append("unknown" if unjudged else passed)
    return min(seen, key=_GRAVITY.index, default="skipped")


def describe_machine(machine: Machine) -> str:
    """Return the machine in one line: system, kernel, where it runs."""
    host = machine.host
    parts = [host.os.peek(), host.arch.peek()]
    container = host.container.peek()
    if container:
        parts.append(f"in a {container.engine} container")
    parts += [note for note in machine.notes if "login node" in note]
    return ", ".join(part for part in parts if part)


def _say(fact: Fact[T], show: Callable[[T], str] = str, absent: str = "none") -> str:
    if isinstance(fact, Known):
        return show(fact.value)
    return f"unknown ({fact.reason})" if isinstance(fact, Unknown) else absent


def _count(names: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in counts.items())


def _hardware(machine: Machine) -> str:
    if gpus := machine.gpus.peek():
        return _count(
            f"{gpu.name.peek() or 'GPU'}"
            + (f" ({capability})" if (capability := gpu.compute_capability.peek()) else "")
            for gpu in gpus
        )
    if functions := machine.pci.peek():
        return _count(f"NVIDIA {function.device.peek() or 'GPU'}" for function in functions)
    on_the_bus = machine.host.platform.peek() == "linux" and isinstance(machine.pci, Known)
    if on_the_bus or isinstance(machine.gpus, Known):
        return "no NVIDIA GPU"
    return _say(machine.gpus)


def _kernel(machine: Machine) -> str:
    module = machine.driver.module
    if isinstance(module.version, Absent) and not machine.pci.peek():
        return ""
    version = _say(module.version, absent="nvidia module not loaded")
    flavour = module.flavour.peek()
    return f"{version}, {flavour} module" if flavour and module.version.peek() else version


def _devices(machine: Machine) -> str:
    return _say(machine.driver.nodes, lambda nodes: f"{len(nodes)} nodes" if nodes else "")


def _driver(machine: Machine) -> str:
    driver = machine.driver
    release = driver.release.peek()
    if not release and isinstance(driver.cuda, Absent) and not machine.pci.peek():
        return ""
    cuda = _say(driver.cuda, lambda version: f"CUDA {version}", absent="no CUDA")
    return f"{release}, {cuda}" if release else cuda


def _containers(machine: Machine) -> str:
    return _say(machine.host.container, lambda container: container.engine, "")


def _visibility(machine: Machine) -> str:
    variables = machine.host.variables.peek() or {}
    value = variables.get("CUDA_VISIBLE_DEVICES")
    return "" if value is None else f"CUDA_VISIBLE_DEVICES={value!r}"


def _toolkit(machine: Machine) -> str:
    toolkits = machine.toolkits.peek() or ()
    return ", ".join(f"CUDA {_say(kit.version)} in {kit.path}" for kit in toolkits)


def _library(machine: Machine, stem: str) -> str:
    """Return a library's version; its path too where it is not the environment's own."""
    environment = machine.environment.peek()
    for library in (environment.libraries.peek() or ()) if environment else ():
        if library.soname.startswith(f"{stem}.so"):
            return _say(library.version)
    system = machine.system_cudnn.peek()
    if stem == "libcudnn" and system:
        return f"{_say(system.version)} in {system.path}"
    return ""


def _python(machine: Machine) -> str:
    environment = machine.environment.peek()
    if environment is None:
        return _say(machine.environment, absent="no environment")
    builds = [
        f"{build.framework} {build.version.public}"
        + (f"+{label}" if (label := build.build.peek()) else "")
        for build in environment.builds.peek() or ()
    ]
    return f"{_say(environment.python)}, {', '.join(builds) or 'no framework'}"


def _is_jetson(machine: Machine) -> bool:
    return machine.host.platform.peek() == "jetson"


_DESCRIPTIONS: dict[str, Callable[[Machine], str]] = {
    "HW": _hardware,
    "KM": _kernel,
    "DV": _devices,
    "VM": lambda _: "",
    "WS": lambda machine: _say(machine.host.kernel),
    "JT": lambda machine: _say(machine.host.kernel) if _is_jetson(machine) else "",
    "CT": _containers,
    "DR": _driver,
    "VS": _visibility,
    "TK": _toolkit,
    "DN": lambda machine: _library(machine, "libcudnn"),
    "NC": lambda machine: _library(machine, "libnccl"),
    "PY": _python,
    "RS": lambda _: "",
}

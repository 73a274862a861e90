"""Which versions of a topic's part are on a machine, one line each. A line such as `=none` names a phrase."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from stackcheck.diagnose.explain.topics import Say
from stackcheck.model.fact import Absent, Known

if TYPE_CHECKING:
    from stackcheck.model.environment import Distribution
    from stackcheck.model.machine import Machine

__all__ = ["describe_presence"]

_DISTRIBUTIONS = {
    "cuda": ("nvidia-cuda-runtime", "cuda-toolkit", "cuda-cudart", "cudatoolkit", "cuda-version"),
    "cudnn": ("nvidia-cudnn", "cudnn"),
    "nccl": ("nvidia-nccl", "nccl"),
    "pip": ("pip", "uv", "packaging", "setuptools"),
    "conda": ("conda", "mamba"),
}


def describe_presence(topic: str, machine: Machine, say: Say) -> list[str]:
    """Return the lines for one topic; one that says so where nothing is there or nothing can be told."""
    lines = list(_DESCRIBE.get(topic, _framework(topic))(machine))
    return [say(line[1:]) if line.startswith("=") else line for line in lines or ["=none"]]


def _gpu(machine: Machine) -> Iterator[str]:
    gpus = machine.gpus
    if not isinstance(gpus, Known):
        if functions := machine.pci.peek():
            yield f"{len(functions)} x NVIDIA (PCI)"
        return
    for gpu in gpus.value:
        capability = gpu.compute_capability.peek()
        memory = gpu.memory_bytes.peek()
        size = f", {memory / 2**30:.0f} GiB" if memory else ""
        yield (
            f"{gpu.index}: {gpu.name.peek() or '?'}"
            + (f", {capability}" if capability else "")
            + size
        )


def _driver(machine: Machine) -> Iterator[str]:
    driver = machine.driver
    if release := driver.release.peek():
        cuda = driver.cuda.peek()
        yield f"{release}" + (f", CUDA {cuda}" if cuda else "")
    elif not isinstance(driver.release, Absent):
        yield from ["=unknown"] if machine.pci.peek() else []
    if (module := driver.module.version.peek()) and (flavour := driver.module.flavour.peek()):
        yield f"kernel module {module} ({flavour})"


def _cuda(machine: Machine) -> Iterator[str]:
    if cuda := machine.driver.cuda.peek():
        yield f"driver: CUDA {cuda}"
    for toolkit in machine.toolkits.peek() or ():
        version = toolkit.version.peek()
        yield f"toolkit: {version or '?'} ({toolkit.path})"
    yield from _packages("cuda")(machine)


def _cudnn(machine: Machine) -> Iterator[str]:
    if library := machine.system_cudnn.peek():
        yield f"{library.version.peek() or '?'} ({library.path})"
    yield from _packages("cudnn")(machine)


def _conda(machine: Machine) -> Iterator[str]:
    environment = machine.environment.peek()
    if environment is None:
        yield "=no_environment"
    else:
        yield f"{environment.prefix} ({environment.kind.peek() or '?'})"
        yield from _packages("conda")(machine)


def _pip(machine: Machine) -> Iterator[str]:
    environment = machine.environment.peek()
    if environment is None:
        yield "=no_environment"
        return
    yield f"Python {environment.python.peek() or '?'} ({environment.prefix})"
    yield from _packages("pip")(machine)


def _docker(machine: Machine) -> Iterator[str]:
    container = machine.host.container
    if isinstance(container, Known):
        yield container.value.engine + (
            f", {image}" if (image := container.value.image.peek()) else ""
        )
    elif isinstance(container, Absent):
        yield "=no_container"


def _engine(machine: Machine) -> Iterator[str]:
    yield from _any_framework(machine)
    yield "=engine"


def _any_framework(machine: Machine) -> Iterator[str]:
    environment = machine.environment.peek()
    for build in (environment.builds.peek() or ()) if environment else ():
        label = build.build.peek()
        yield f"{build.framework} {build.version}" + (f" ({label})" if label else "")


def _framework(name: str) -> Callable[[Machine], Iterator[str]]:
    def describe(machine: Machine) -> Iterator[str]:
        yield from (line for line in _any_framework(machine) if line.split()[0] == name)

    return describe


def _packages(topic: str) -> Callable[[Machine], Iterator[str]]:
    def describe(machine: Machine) -> Iterator[str]:
        environment = machine.environment.peek()
        found: tuple[Distribution, ...] = (
            (environment.distributions.peek() or ()) if environment else ()
        )
        for distribution in found:
            if any(
                distribution.name == name or distribution.name.startswith(f"{name}-cu")
                for name in _DISTRIBUTIONS[topic]
            ):
                yield f"{distribution.name} {distribution.version}"

    return describe


_DESCRIBE: dict[str, Callable[[Machine], Iterator[str]]] = {
    "gpu": _gpu,
    "driver": _driver,
    "cuda": _cuda,
    "cudnn": _cudnn,
    "nccl": _packages("nccl"),
    "conda": _conda,
    "pip": _pip,
    "docker": _docker,
    "tensor": _engine,
    "autograd": _engine,
}

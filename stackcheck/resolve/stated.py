"""The machine that a user states on the command line, or single facts laid over a probed one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from stackcheck.errors import InputError
from stackcheck.knowledge.gpu_names import GpuName, read_gpu_name
from stackcheck.model.driver import Library
from stackcheck.model.environment import Toolkit
from stackcheck.model.fact import UNSTATED, Absent, Fact, Known
from stackcheck.model.gpu import Gpu
from stackcheck.model.machine import Container, Host, Machine, unstated_gpu, unstated_machine
from stackcheck.model.record import record
from stackcheck.model.version import DriverVersion, InvalidVersion, Version, parse_version
from stackcheck.resolve.systems import System, read_system

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge

__all__ = ["Statement", "state_machine"]

_T = TypeVar("_T")
_ARCHES = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "x64": "x86_64",
    "aarch64": "aarch64",
    "arm64": "aarch64",
}


@record(frozen=True)
class Statement:
    """What was said of the machine; the field names are the options'."""

    gpu: Sequence[str] = ()
    compute_capability: Sequence[str] = ()
    driver: str | None = None
    driver_cuda: str | None = None
    os: str | None = None
    arch: str | None = None
    glibc: str | None = None
    cuda_toolkit: str | None = None
    cudnn: str | None = None
    container: str | None = None
    no_gpu: bool = False


def state_machine(
    statement: Statement, knowledge: Knowledge, base: Machine | None = None
) -> Machine:
    """Make the machine that was stated, over `base` (a facts file) or over one of which nothing is known.

    Raises `InputError` with every fault of the statement.
    """
    return _Reader(knowledge).read(statement, base or unstated_machine())


class _Reader:
    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.faults: list[str] = []

    def read(self, statement: Statement, machine: Machine) -> Machine:
        names = self._names(statement)
        gpus = self._gpus(statement, names, machine)
        host = self._host(statement, names, machine)
        driver = machine.driver
        release = self._parse("--driver", statement.driver, _driver)
        cuda = self._parse("--driver-cuda", statement.driver_cuda, parse_version)
        toolkit = self._parse("--cuda-toolkit", statement.cuda_toolkit, parse_version)
        cudnn = self._parse("--cudnn", statement.cudnn, parse_version)
        if self.faults:
            raise InputError(*self.faults)
        if release is not None:
            stated_cuda: Fact[Version] = UNSTATED if cuda is None else driver.cuda
            driver = replace(driver, release=Known(release, "--driver"), cuda=stated_cuda)
        if cuda is not None:
            driver = replace(driver, cuda=Known(cuda, "--driver-cuda"))
        if toolkit is not None:
            stated = Toolkit("", Known(toolkit, "--cuda-toolkit"), "--cuda-toolkit")
            machine = replace(machine, toolkits=Known((stated,), "--cuda-toolkit"))
        if cudnn is not None:
            library = Library(f"libcudnn.so.{cudnn.major}", "", Known(cudnn, "--cudnn"))
            machine = replace(machine, system_cudnn=Known(library, "--cudnn"))
        return replace(machine, gpus=gpus, host=host, driver=driver)

    def _parse(self, option: str, text: str | None, parse: Callable[[str], _T]) -> _T | None:
        if text is None:
            return None
        try:
            return parse(text)
        except InvalidVersion:
            self.faults.append(
                f"{option} {text!r}: no version; write it as NVIDIA does, for example 580.95.05 or 12.8"
            )
            return None

    def _names(self, statement: Statement) -> list[GpuName]:
        names: list[GpuName] = []
        for position, text in enumerate(statement.gpu):
            try:
                stated = position < len(statement.compute_capability)
                names.append(read_gpu_name(text, self.knowledge, has_capability=stated))
            except InputError as error:
                self.faults += error.faults
        return names

    def _gpus(
        self, statement: Statement, names: list[GpuName], machine: Machine
    ) -> Fact[tuple[Gpu, ...]]:
        if statement.no_gpu:
            if statement.gpu or statement.compute_capability:
                self.faults.append(
                    "--no-gpu contradicts --gpu and --compute-capability; leave one out"
                )
            return Known((), "--no-gpu")
        capabilities = [self._capability(text) for text in statement.compute_capability]
        count = max(len(names), len(capabilities))
        if count == 0:
            return machine.gpus
        gpus: list[Gpu] = []
        for index in range(count):
            gpu = unstated_gpu(index)
            name = names[index] if index < len(names) else None
            if name is not None:
                gpu = replace(gpu, name=Known(name.product or name.text, "--gpu"))
                if name.kind:
                    gpu = replace(gpu, brand=Known(name.kind, "--gpu"))
                if name.capability is not None:
                    gpu = replace(gpu, compute_capability=Known(name.capability, "--gpu"))
            capability = capabilities[index] if index < len(capabilities) else None
            if capability is not None:
                gpu = replace(gpu, compute_capability=Known(capability, "--compute-capability"))
            gpus.append(gpu)
        return Known(tuple(gpus), "--gpu" if names else "--compute-capability")

    def _capability(self, text: str) -> Version | None:
        found = re.fullmatch(r"(?:sm_?)?(\d{1,2})[.]?(\d)[af]?", text.strip().lower())
        if not found:
            self.faults.append(f"--compute-capability {text!r}: write it as X.Y, for example 8.6")
            return None
        return parse_version(f"{found[1]}.{found[2]}")

    def _host(self, statement: Statement, names: list[GpuName], machine: Machine) -> Host:
        host = machine.host
        kinds = {name.kind for name in names}
        if statement.os is not None:
            system = read_system(statement.os, self.knowledge)
            host = replace(host, os=Known(statement.os, "--os"), glibc=_glibc(system))
            if system.platform is not None:
                host = replace(host, platform=Known(system.platform, "--os"))
        if "jetson" in kinds and (statement.os is None or host.platform.peek() == "linux"):
            host = replace(host, platform=Known("jetson", "--gpu"))
        if statement.arch is not None:
            arch = _ARCHES.get(statement.arch.lower())
            if arch is None:
                self.faults.append(f"--arch {statement.arch!r}: write x86_64 or aarch64")
            else:
                host = replace(host, arch=Known(arch, "--arch"))
        elif kinds & {"jetson", "grace"}:
            host = replace(host, arch=Known("aarch64", "--gpu"))
        if (glibc := self._parse("--glibc", statement.glibc, parse_version)) is not None:
            host = replace(host, glibc=Known(glibc, "--glibc"))
        if statement.container is not None:
            host = replace(
                host,
                container=Known(
                    Container(statement.container, Known(statement.container, "--container")),
                    "--container",
                ),
            )
            if host.platform.peek() is None and re.search(r"\bwsl", statement.container.lower()):
                host = replace(host, platform=Known("wsl2", "--container"))
        return host


def _driver(text: str) -> Version:
    return DriverVersion(text.strip().removeprefix("R").removeprefix("r"))


def _glibc(system: System) -> Fact[Version]:
    if not system.has_glibc:
        return Absent("--os")
    return UNSTATED if system.glibc is None else Known(system.glibc, "--os")

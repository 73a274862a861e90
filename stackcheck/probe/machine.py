"""The whole probe: one machine's facts, with the driver asked in a child process while the host is read."""

from __future__ import annotations

import datetime
import errno
from collections.abc import Callable
from dataclasses import replace

from stackcheck import __version__
from stackcheck.model.driver import DeviceNode, Driver, Library
from stackcheck.model.fact import Absent, Fact, Known
from stackcheck.model.machine import Machine
from stackcheck.model.version import Version
from stackcheck.probe.child import Answers, GpuChild
from stackcheck.probe.container import probe_container
from stackcheck.probe.environment import probe_environment
from stackcheck.probe.gpus import (
    code_of,
    conf_compute_ready,
    cuda_version,
    driver_release,
    gpus_of,
    library_code,
    vgpu_licensed,
)
from stackcheck.probe.host import HostReader
from stackcheck.probe.kernel import probe_module, probe_nodes
from stackcheck.probe.limits import environment_limits
from stackcheck.probe.loader import Loader
from stackcheck.probe.pci import probe_pci
from stackcheck.probe.programs import ask_service
from stackcheck.probe.system import probe_arch, probe_host
from stackcheck.probe.toolkits import probe_system_cudnn, probe_toolkits

__all__ = ["probe_machine", "read_host"]


def probe_machine(
    *,
    environment: str | None = None,
    timeout: float = 30.0,
    progress: Callable[[str], None] | None = None,
) -> Machine:
    """Return everything that can be known of this machine, or of the tree that `STACKCHECK_SYSROOT` names.

    `timeout` is in seconds and bounds the driver's child process; `progress` is told what is being waited for.
    Raises `InputError` where `environment` is no Python environment, or the tree is malformed.
    """
    host = HostReader.open()
    child = GpuChild(host, timeout, progress)
    try:
        machine = read_host(host, environment)
    except BaseException:
        child.abandon()
        raise
    return _with_answers(machine, child.collect())


def read_host(host: HostReader, environment: str | None = None) -> Machine:
    """Return what files, links and directories tell; the driver was not asked. Raises as `probe_machine` does."""
    loader = Loader(host, probe_arch(host).peek())
    facts = probe_host(host, loader, probe_container(host))
    python = probe_environment(host, loader, environment)
    if isinstance(python, Known):
        chosen = python.value
        added = environment_limits(host, chosen.prefix, chosen.kind.peek())
        facts = replace(facts, limits={**facts.limits, **added})
    return Machine(
        stackcheck=__version__,
        time=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        origin="probe" if host.is_real else f"system root {host.root}",
        host=facts,
        pci=probe_pci(host),
        driver=Driver(
            nvml_library=loader.driver_library("libnvidia-ml.so.1"),
            cuda_library=loader.driver_library("libcuda.so.1"),
            cuda_libraries=loader.every("libcuda"),
            module=probe_module(host),
            nodes=probe_nodes(host),
            fabric_manager=ask_service(host, "nvidia-fabricmanager"),
            persistence_daemon=host.exists("/run/nvidia-persistenced/socket"),
        ),
        toolkits=probe_toolkits(host),
        system_cudnn=probe_system_cudnn(host, loader),
        environment=python,
    )


def _with_answers(machine: Machine, answers: Answers) -> Machine:
    driver = machine.driver
    release = driver_release(answers)
    if not isinstance(release, Known):
        release = _release_of_module(driver.module.version, release)
    limits = {
        "conf_compute_ready": conf_compute_ready(answers),
        "vgpu_licensed": vgpu_licensed(answers),
    }
    notes = [f"{call}: {reason}" for (call, _), reason in answers.stopped.items()]
    return replace(
        machine,
        host=replace(machine.host, limits={**machine.host.limits, **limits}),
        driver=replace(
            driver,
            release=release,
            cuda=cuda_version(answers),
            nvml_code=code_of(answers, "init"),
            cuinit_code=library_code(answers),
            nodes=_opened(driver.nodes, answers),
            nvml_library=_loaded(driver.nvml_library, answers, "libnvidia-ml.so.1"),
            cuda_library=_loaded(driver.cuda_library, answers, "libcuda.so.1"),
        ),
        gpus=gpus_of(answers),
        notes=(*machine.notes, *notes),
    )


def _release_of_module(module: Fact[Version], by_nvml: Fact[Version]) -> Fact[Version]:
    """Return the loaded module's version where NVML could not say: they are of one release, or KM-05 tells."""
    if isinstance(module, Known | Absent):
        return module
    return by_nvml


def _opened(found: Fact[tuple[DeviceNode, ...]], answers: Answers) -> Fact[tuple[DeviceNode, ...]]:
    """Return the nodes, with those as unusable whose opening the kernel refused (EPERM, EACCES)."""
    if not isinstance(found, Known):
        return found
    refused = {
        node.path
        for node in found.value
        if (answer := answers.get(f"open {node.path}")) is not None
        and answer.code in (errno.EPERM, errno.EACCES)
    }
    return Known(
        tuple(
            replace(node, usable=Known(False, f"open({node.path})"))
            if node.path in refused
            else node
            for node in found.value
        ),
        found.source,
    )


def _loaded(found: Fact[Library], answers: Answers, soname: str) -> Fact[Library]:
    """Return the library that the child really loaded, where the loader's files show none: it lies on this computer."""
    loaded = answers.get("loaded")
    if isinstance(found, Known) or loaded is None or not isinstance(loaded.value, list):
        return found
    stem = soname.removesuffix(".1")
    for path in loaded.value:
        if isinstance(path, str) and f"/{stem}" in path:
            return Known(Loader(HostReader(), None).describe(soname, path), "loaded by the probe")
    return found

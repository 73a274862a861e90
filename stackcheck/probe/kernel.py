"""The kernel side of the driver: modules, their parameters, and the device nodes."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

from stackcheck.model.driver import DeviceNode, KernelModule
from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.model.version import DriverVersion, InvalidVersion, Version
from stackcheck.probe.host import HostReader
from stackcheck.probe.pci import count_nvswitches

__all__ = ["probe_module", "probe_nodes"]

_PROC_VERSION = "/proc/driver/nvidia/version"
_SYS_VERSION = "/sys/module/nvidia/version"
_HMM = "/sys/module/nvidia_uvm/parameters/uvm_disable_hmm"
_NODE = re.compile(r"nvidia(\d+|ctl|-\w[\w-]*)|dxg|nvmap|nvhost-\w+")
_NODE_DIRECTORIES = ("/dev/nvidia-caps", "/dev/nvidia-caps-imex-channels")
_MODULE_FILE = re.compile(r"nvidia\.ko(\.(xz|gz|zst))?")
_MODULE_DIRECTORIES = (
    "updates/dkms",
    "kernel/drivers/video",
    "kernel/drivers/video/nvidia",
    "extra",
    "extra/nvidia",
    "extra/drivers/video/nvidia",
    "weak-updates/nvidia",
    "updates",
    "kernel/nvidia",
    "extramodules",
)
"""Where DKMS, NVIDIA's installer and the distributions put nvidia.ko; a whole module tree is 5000 files."""


def probe_module(host: HostReader) -> KernelModule:
    """Return what sysfs and procfs say of the nvidia modules."""
    return KernelModule(
        version=_version(host),
        flavour=_flavour(host),
        uvm_loaded=_loaded(host, "nvidia_uvm"),
        nouveau_loaded=_loaded(host, "nouveau"),
        built_for=_built_for(host),
        parameters=_parameters(host),
        device_majors=_majors(host),
        hmm_disabled=_hmm(host),
        nvswitches=count_nvswitches(host),
    )


def _version(host: HostReader) -> Fact[Version]:  # noqa: PLR0911 (one for each source)
    """Return the loaded module's version, from sysfs, else from procfs; absent if no module is loaded."""
    if not host.is_directory("/sys/module") and not host.is_directory("/proc/driver"):
        return Unknown("neither sysfs nor procfs is there", _SYS_VERSION)
    text = host.line(_SYS_VERSION)
    if isinstance(text, Known):
        try:
            return Known(DriverVersion(text.value), _SYS_VERSION)
        except InvalidVersion:
            return Unknown(f"reads {text.value[:40]!r}", _SYS_VERSION)
    proc = host.text(_PROC_VERSION)
    if isinstance(proc, Known):
        found = re.search(r"Kernel Module\s.*?(\d+\.\d+(?:\.\d+)?)\s", proc.value)
        if found:
            return Known(DriverVersion(found[1]), _PROC_VERSION)
        return Unknown("names no version", _PROC_VERSION)
    if isinstance(text, Unknown):
        return text
    return proc if isinstance(proc, Unknown) else Absent(_SYS_VERSION)


def _flavour(host: HostReader) -> Fact[str]:
    text = host.text(_PROC_VERSION)
    if not isinstance(text, Known):
        return text
    if "Kernel Module" not in text.value:
        return Unknown("names no kernel module", _PROC_VERSION)
    flavour = "open" if "Open Kernel Module" in text.value else "proprietary"
    return Known(flavour, _PROC_VERSION)


def _loaded(host: HostReader, module: str) -> Fact[bool]:
    """Tell whether a module is loaded; a built-in one has a directory without `initstate`, and counts."""
    if not host.is_directory("/sys/module"):
        return Unknown("sysfs is not there", "/sys/module")
    return host.exists(f"/sys/module/{module}")


def _built_for(host: HostReader) -> Fact[tuple[str, ...]]:
    """Return the kernel releases with an nvidia module file, where DKMS and the distributions put it."""
    releases = host.names("/lib/modules")
    if not isinstance(releases, Known):
        return releases
    return Known(
        tuple(release for release in releases.value if _has_module(host, release)), "/lib/modules"
    )


def _has_module(host: HostReader, release: str) -> bool:
    return any(
        _MODULE_FILE.fullmatch(name)
        for directory in _MODULE_DIRECTORIES
        for name in host.names(f"/lib/modules/{release}/{directory}").peek() or ()
    )


def _parameters(host: HostReader) -> Fact[Mapping[str, str]]:
    path = "/proc/driver/nvidia/params"
    text = host.text(path)
    if not isinstance(text, Known):
        return text
    pairs = (line.partition(":") for line in text.value.splitlines() if ":" in line)
    return Known({name.strip(): value.strip().strip('"') for name, _, value in pairs}, path)


def _majors(host: HostReader) -> Fact[Mapping[str, int]]:
    """Return NVIDIA's character devices in /proc/devices, name to major."""
    text = host.text("/proc/devices")
    if not isinstance(text, Known):
        return text
    found = re.findall(r"^\s*(\d+) (nvidia\S*)$", text.value, re.MULTILINE)
    return Known({name: int(major) for major, name in found}, "/proc/devices")


def _hmm(host: HostReader) -> Fact[bool]:
    text = host.line(_HMM)
    if not isinstance(text, Known):
        return text
    if text.value not in ("Y", "N"):
        return Unknown(f"reads {text.value[:20]!r}", _HMM)
    return Known(text.value == "Y", _HMM)


def probe_nodes(host: HostReader) -> Fact[tuple[DeviceNode, ...]]:
    """Return the driver's nodes under /dev, those of WSL (dxg) and Jetson (nvmap, nvhost) included."""
    if host.is_real and sys.platform in ("win32", "darwin"):
        return Absent("sys.platform")
    names = host.names("/dev")
    given = host.given_nodes()
    if not isinstance(names, Known) and not given:
        return Unknown("is not there", "/dev") if isinstance(names, Absent) else names
    paths = {f"/dev/{name}" for name in names.peek() or () if _NODE.fullmatch(name)}
    for directory in _NODE_DIRECTORIES:
        paths |= {f"{directory}/{name}" for name in host.names(directory).peek() or ()}
        paths.discard(directory)
    paths |= {path for path in given if _NODE.fullmatch(path.removeprefix("/dev/"))}
    paths |= {path for path in given if path.startswith(_NODE_DIRECTORIES)}
    return Known(tuple(_node(host, path) for path in sorted(paths)), "/dev")


def _node(host: HostReader, path: str) -> DeviceNode:
    status = host.node(path)
    if not isinstance(status, Known):
        lost = Unknown(status.reason if isinstance(status, Unknown) else "vanished", path)
        return DeviceNode(path, lost, lost, lost, lost, lost, lost)
    node = status.value
    return DeviceNode(
        path,
        major=Known(node.major, status.source),
        minor=Known(node.minor, status.source),
        mode=Known(node.mode, status.source),
        owner=Known(node.owner, status.source),
        group=Known(node.group, status.source),
        usable=host.may_open(path, node),
    )

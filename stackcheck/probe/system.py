"""The operating system: what it is, its limits, and the texts and variables that steer the stack."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.model.machine import Container, Host
from stackcheck.model.version import InvalidVersion, Version, parse_version
from stackcheck.probe.host import HostReader
from stackcheck.probe.limits import probe_limits
from stackcheck.probe.loader import Loader
from stackcheck.probe.texts import probe_files

__all__ = ["probe_arch", "probe_host", "steering_variables"]

_ARCHES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}
_PREFIXES = (
    "CUDA_",
    "CUDNN_",
    "CUPY_",
    "JAX_",
    "KERAS_",
    "NCCL_",
    "NVCC_",
    "NVIDIA_",
    "SLURM_",
    "TF_CPP_",
    "TF_CUDNN_",
    "TF_DETERMINISTIC_",
    "TF_ENABLE_",
    "TF_FORCE_",
    "TF_GPU_",
    "TF_USE_",
    "TF_XLA_",
    "TORCH",
    "PYTORCH_",
    "TRITON_",
    "XLA_",
)
_NAMES = {
    "CC",
    "CONDA_DEFAULT_ENV",
    "CONDA_OVERRIDE_CUDA",
    "CONDA_PREFIX",
    "CXX",
    "HOME",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LIBRARY_PATH",
    "OMP_NUM_THREADS",
    "PATH",
    "PYTHONHOME",
    "PYTHONNOUSERSITE",
    "PYTHONPATH",
    "PYTHONUSERBASE",
    "TMPDIR",
    "VIRTUAL_ENV",
    "WSL_DISTRO_NAME",
    "XDG_CACHE_HOME",
}
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|JWT|CREDENTIAL")


def probe_host(host: HostReader, loader: Loader, container: Fact[Container]) -> Host:
    """Return the operating system's facts; the numbers that hang on an environment or the driver come later."""
    platform = _platform(host)
    return Host(
        platform=platform,
        os=_os_name(host),
        kernel=host.uname("release"),
        arch=probe_arch(host),
        glibc=_glibc(host),
        hostname=host.uname("nodename"),
        cpu_count=_cpu_count(host),
        memory_bytes=_memory(host),
        container=container,
        variables=Known(steering_variables(host.environment), "environment"),
        files=probe_files(host),
        limits=probe_limits(host, loader),
        wsl_libraries=(
            host.names("/usr/lib/wsl/lib")
            if platform.peek() == "wsl2"
            else Absent("/usr/lib/wsl/lib")
        ),
    )


def steering_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that steer the stack, sorted; nothing that may be a secret."""
    return {
        name: value
        for name, value in sorted(environment.items())
        if (name in _NAMES or name.startswith(_PREFIXES)) and not _SECRET.search(name)
    }


def _platform(host: HostReader) -> Fact[str]:
    if host.is_real and sys.platform in ("win32", "darwin"):
        return Known({"win32": "windows", "darwin": "macos"}[sys.platform], "sys.platform")
    kernel = host.uname("release")
    if "microsoft" in (kernel.peek() or "").lower():
        return Known("wsl2", f"kernel release {kernel.peek()}")
    if host.exists("/etc/nv_tegra_release").peek():
        return Known("jetson", "/etc/nv_tegra_release")
    if (kernel.peek() or "").endswith("-tegra"):
        return Known("jetson", f"kernel release {kernel.peek()}")
    model = host.line("/proc/device-tree/model")
    if "jetson" in (model.peek() or "").lower():
        return Known("jetson", "/proc/device-tree/model")
    return Known("linux", "sys.platform" if host.is_real else "system root")


def _os_name(host: HostReader) -> Fact[str]:
    if host.is_real and sys.platform in ("win32", "darwin"):
        import platform

        return Known(f"{platform.system()} {platform.release()} {platform.version()}", "platform")
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        text = host.text(path)
        if isinstance(text, Known):
            entries = dict(line.split("=", 1) for line in text.value.splitlines() if "=" in line)
            name = entries.get("PRETTY_NAME") or entries.get("NAME", "")
            name = name.strip().strip("\"'")
            return Known(name, path) if name else Unknown("names no system", path)
    return Unknown("neither of its files is there", "/etc/os-release, /usr/lib/os-release")


def probe_arch(host: HostReader) -> Fact[str]:
    """Return the processor architecture, `x86_64` or `aarch64`."""
    machine = host.uname("machine")
    if not isinstance(machine, Known):
        return machine
    name = machine.value.lower()
    return Known(_ARCHES.get(name, name), machine.source)


def _glibc(host: HostReader) -> Fact[Version]:
    if not host.is_real:
        return _glibc_of_tree(host)
    if sys.platform in ("win32", "darwin"):
        return Absent("sys.platform")
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION")
        name, _, version = (text or "").partition(" ")
        if name == "glibc":
            return Known(parse_version(version), "confstr(CS_GNU_LIBC_VERSION)")
    except (OSError, ValueError):
        pass
    return Absent("confstr(CS_GNU_LIBC_VERSION)")


def _glibc_of_tree(host: HostReader) -> Fact[Version]:
    """Return the glibc that `machine.yaml` gives, or that the file name behind libc.so.6 tells."""
    if (given := host.given("glibc")) is not None:
        try:
            return Known(parse_version(str(given)), "machine.yaml: glibc")
        except InvalidVersion:
            return Unknown(f"{given!r} is no version", "machine.yaml: glibc")
    for directory in ("/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64"):
        found = re.search(r"/libc-(\d+\.\d+)\.so$", host.real_path(f"{directory}/libc.so.6"))
        if found:
            return Known(parse_version(found[1]), f"{directory}/libc.so.6")
    return Unknown("the tree does not say", "machine.yaml: glibc")


def _cpu_count(host: HostReader) -> Fact[int]:
    if host.is_real:
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return Known(count, "sched_getaffinity") if count else Unknown("not told", "os.cpu_count")
    text = host.text("/proc/cpuinfo")
    if not isinstance(text, Known):
        return Unknown("could not be read", "/proc/cpuinfo")
    return Known(len(re.findall(r"^processor\s*:", text.value, re.MULTILINE)), "/proc/cpuinfo")


def _memory(host: HostReader) -> Fact[int]:
    text = host.text("/proc/meminfo")
    if not isinstance(text, Known):
        return Unknown("could not be read", "/proc/meminfo")
    found = re.search(r"^MemTotal:\s*(\d+) kB", text.value, re.MULTILINE)
    return (
        Known(int(found[1]) * 1024, "/proc/meminfo")
        if found
        else Unknown("has no MemTotal", "/proc/meminfo")
    )

"""Small texts that rules read: configuration of engines, of NCCL, Keras and WSL; listings and the kernel's options."""

from __future__ import annotations

import re

from stackcheck.model.fact import Absent, Fact, Known
from stackcheck.probe.host import HostReader

__all__ = ["CDI_FILES", "probe_files"]

CDI_FILES = ("/etc/cdi/nvidia.yaml", "/var/run/cdi/nvidia.yaml")
_FILES = (
    *CDI_FILES,
    "/etc/docker/daemon.json",
    "/etc/nccl.conf",
    "/etc/nv_tegra_release",
    "/etc/nvidia-container-runtime/config.toml",
    "/proc/sys/vm/overcommit_memory",
)
_HOME_FILES = (".config/docker/daemon.json", ".keras/keras.json")
_LIMIT = 1 << 18
_KERNEL_OPTION = re.compile(
    r"(\w+_)?iommu|nvidia|nouveau|nova|modprobe|module_blacklist|rd\.driver|nomodeset|pci="
)


def probe_files(host: HostReader) -> dict[str, Fact[str]]:
    """Return the texts by their absolute path; `pip` is the prefix of the first pip on PATH.

    What lies below the home directory is named from `~`: a report may be redacted, and its keys never are.
    """
    home = host.environment.get("HOME", "")
    texts = {path: host.text(path, _LIMIT) for path in _FILES}
    texts |= {f"~/{name}": host.text(f"{home}/{name}", _LIMIT) for name in _HOME_FILES if home}
    return {
        **texts,
        "/proc/cmdline": _command_line(host),
        "/sys/class/net": _listing(host, "/sys/class/net"),
        "pip": _pip(host),
        **_wsl_configuration(host),
    }


def _command_line(host: HostReader) -> Fact[str]:
    """Return the kernel's options about graphics, modules and the IOMMU; the others are nobody's business."""
    text = host.text("/proc/cmdline")
    if not isinstance(text, Known):
        return text
    options = (word for word in text.value.split() if _KERNEL_OPTION.match(word))
    return Known(" ".join(options), text.source)


def _listing(host: HostReader, path: str) -> Fact[str]:
    names = host.names(path)
    return Known("\n".join(names.value), path) if isinstance(names, Known) else names


def _pip(host: HostReader) -> Fact[str]:
    command = host.command("pip") or host.command("pip3")
    if command is None:
        return Absent("PATH")
    return Known(command.rpartition("/")[0].removesuffix("/bin").removesuffix("/Scripts"), command)


def _wsl_configuration(host: HostReader) -> dict[str, Fact[str]]:
    """Return the Windows users' .wslconfig, where this is WSL and the Windows disk is mounted."""
    if not host.environment.get("WSL_DISTRO_NAME"):
        return {}
    users = host.names("/mnt/c/Users").peek() or ()
    paths = [f"/mnt/c/Users/{user}/.wslconfig" for user in users]
    return {path: host.text(path, _LIMIT) for path in paths if host.is_file(path)}

"""The container around the probe, if there is one: which engine, which image, whose driver libraries."""

from __future__ import annotations

import re

from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.model.machine import Container
from stackcheck.probe.host import HostReader

__all__ = ["probe_container"]

_CGROUP = re.compile(r"kubepods|docker|libpod|lxc|containerd")
_ENGINES = {"kubepods": "kubernetes", "libpod": "podman", "containerd": "container"}
_DRIVER_FILE = re.compile(r" (/\S*(?:libcuda|libnvidia-ml)\.so[.\d]*) ")


def probe_container(host: HostReader) -> Fact[Container]:
    """Return the container that this runs in; absent outside of one.

    Sources in this order: variables that Kubernetes, Apptainer and systemd set; marker files of docker and podman;
    the names of the control groups.
    """
    if not host.is_directory("/proc"):
        return Absent("/proc")
    engine = _engine(host)
    if engine is None:
        return Absent("/.dockerenv, /run/.containerenv, /proc/1/cgroup")
    name, source = engine
    return Known(Container(name, _image(host), _driver_mounts(host)), source)


def _engine(host: HostReader) -> tuple[str, str] | None:
    variables = host.environment
    if variables.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes", "KUBERNETES_SERVICE_HOST"
    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        if variables.get(name):
            return "apptainer", name
    for path, name in (
        ("/.dockerenv", "docker"),
        ("/run/.containerenv", "podman"),
        ("/.singularity.d", "apptainer"),
    ):
        if host.exists(path).peek():
            return name, path
    declared = variables.get("container")
    if declared:
        return (declared if declared in ("podman", "docker", "lxc") else "container"), "container"
    for path in ("/proc/1/cgroup", "/proc/self/cgroup"):
        found = _CGROUP.search(host.text(path).peek() or "")
        if found:
            return _ENGINES.get(found[0], found[0]), path
    return None


def _image(host: HostReader) -> Fact[str]:
    """Return what names the image inside: podman's marker file, Apptainer's or NVIDIA's variables."""
    marker = host.text("/run/.containerenv").peek() or ""
    if found := re.search(r'^image="([^"]+)"', marker, re.MULTILINE):
        return Known(found[1], "/run/.containerenv")
    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        if value := host.environment.get(name):
            return Known(value, name)
    if value := host.environment.get("NVIDIA_PRODUCT_NAME"):
        release = host.environment.get("NVIDIA_PYTORCH_VERSION", "")
        return Known(f"{value} {release}".strip(), "NVIDIA_PRODUCT_NAME")
    return Unknown("nothing inside names it", "container")


def _driver_mounts(host: HostReader) -> Fact[bool]:
    """Tell whether driver libraries are mounted from the host, by the mount table."""
    path = "/proc/self/mountinfo"
    text = host.text(path)
    if not isinstance(text, Known):
        return Unknown("could not be read", path) if isinstance(text, Absent) else text
    return Known(bool(_DRIVER_FILE.search(text.value)), path)

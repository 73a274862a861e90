"""NVIDIA functions on the PCI bus, from sysfs and the kernel module's procfs."""

from __future__ import annotations

import re

from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.model.gpu import PciFunction
from stackcheck.probe.host import HostReader

__all__ = ["count_nvswitches", "probe_pci"]

_DEVICES = "/sys/bus/pci/devices"
_INFORMATION = "/proc/driver/nvidia/gpus/{}/information"
_VENDOR = "0x10de"
_DISPLAY = ("0x0300", "0x0302")
_BRIDGE = "0x0680"
"""NVSwitches are bridges of their own kind: base class 06, subclass 80."""


def probe_pci(host: HostReader) -> Fact[tuple[PciFunction, ...]]:
    """Return NVIDIA's display functions in the order of their addresses; none on a bus without any.

    Unknown where a function's vendor cannot be read: it may be one.
    """
    names = host.names(_DEVICES)
    if isinstance(names, Absent):
        return _without_bus(host)
    if not isinstance(names, Known):
        return names
    found: list[PciFunction] = []
    for address in names.value:
        vendor = host.line(f"{_DEVICES}/{address}/vendor")
        if isinstance(vendor, Unknown):
            return Unknown(f"vendor of {address}: {vendor.reason}", _DEVICES)
        if vendor.peek() != _VENDOR:
            continue
        kind = host.line(f"{_DEVICES}/{address}/class")
        if not isinstance(kind, Known):
            return Unknown(f"class of {address} could not be read", _DEVICES)
        if kind.value.startswith(_DISPLAY):
            found.append(_function(host, address))
    return Known(tuple(found), _DEVICES)


def count_nvswitches(host: HostReader) -> Fact[int]:
    """Return how many NVSwitch bridges the bus shows; 1 for a bare control node in a container."""
    names = host.names(_DEVICES)
    count = sum(
        host.line(f"{_DEVICES}/{address}/vendor").peek() == _VENDOR
        and (host.line(f"{_DEVICES}/{address}/class").peek() or "").startswith(_BRIDGE)
        for address in names.peek() or ()
    )
    if count:
        return Known(count, _DEVICES)
    if isinstance(host.node("/dev/nvidia-nvswitchctl"), Known):
        return Known(1, "/dev/nvidia-nvswitchctl")
    return Known(0, _DEVICES) if isinstance(names, Known | Absent) else names


def _without_bus(host: HostReader) -> Fact[tuple[PciFunction, ...]]:
    """Tell a machine without a PCI bus from one whose sysfs is not mounted."""
    if host.is_directory("/sys/bus"):
        return Known((), f"no {_DEVICES}")
    return Unknown("sysfs is not there", _DEVICES)


def _function(host: HostReader, address: str) -> PciFunction:
    base = f"{_DEVICES}/{address}"
    information = host.text(_INFORMATION.format(address))
    return PciFunction(
        address=address,
        device=host.line(f"{base}/device"),
        driver=host.link(f"{base}/driver"),
        responds=_responds(host, base),
        bars_assigned=_bars(host, base),
        link_width=_width(host, f"{base}/current_link_width"),
        max_link_width=_width(host, f"{base}/max_link_width"),
        excluded=_entry(information, "GPU Excluded", lambda text: text.lower() == "yes"),
        minor=_entry(information, "Device Minor", int),
    )


def _responds(host: HostReader, base: str) -> Fact[bool]:
    """Tell whether the configuration space answers; all ones are what a bus reads where nobody does."""
    head = host.read(f"{base}/config", 4)
    if not isinstance(head, Known):
        return Unknown("could not be read", f"{base}/config")
    if len(head.value) < 4:
        return Unknown("is shorter than its header", f"{base}/config")
    return Known(head.value != b"\xff\xff\xff\xff", f"{base}/config")


def _bars(host: HostReader, base: str) -> Fact[bool]:
    """Tell whether BAR 0 and BAR 1 have addresses; a line is start, end, flags, and a 64-bit BAR takes two lines."""
    text = host.text(f"{base}/resource")
    if not isinstance(text, Known):
        return text if isinstance(text, Unknown) else Unknown("is not there", f"{base}/resource")
    lines = [line.split() for line in text.value.splitlines()[:2]]
    try:
        ranges = [(int(line[0], 16), int(line[1], 16)) for line in lines]
    except (ValueError, IndexError):
        return Unknown("is malformed", f"{base}/resource")
    if len(ranges) < 2:
        return Unknown("is malformed", f"{base}/resource")
    return Known(all(end > start for start, end in ranges), f"{base}/resource")


def _width(host: HostReader, path: str) -> Fact[int]:
    """Return a link width in lanes; sysfs writes 0 or 255 for a link that it cannot read."""
    text = host.line(path)
    if not isinstance(text, Known):
        return text
    if not text.value.isdecimal() or int(text.value) in (0, 255):
        return Unknown(f"reads {text.value!r}", path)
    return Known(int(text.value), path)


def _entry(text: Fact[str], name: str, convert: object) -> Fact:  # type: ignore[type-arg]
    """Return an entry of one of procfs's texts of names and values."""
    if not isinstance(text, Known):
        return text
    found = re.search(rf"^{name}\s*:\s*(\S+)", text.value, re.MULTILINE)
    if not found:
        return Absent(text.source)
    try:
        return Known(convert(found[1]), text.source)  # type: ignore[operator]
    except ValueError:
        return Unknown(f"{name} is {found[1]!r}", text.source)

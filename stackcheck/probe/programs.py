"""Small programs that are asked what no file tells: always an argument list, always with a deadline."""

from __future__ import annotations

import os

from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.probe.host import HostReader

__all__ = ["ask_service", "ask_version"]

_SECONDS = 2.0
"""For a program such as systemctl, which asks a daemon that may hang."""


_UNITS = ("/lib/systemd/system", "/usr/lib/systemd/system", "/etc/systemd/system")


def ask_service(host: HostReader, name: str) -> Fact[str]:
    """Return `running`, `stopped` or `failed` of a systemd unit; absent where it is not installed."""
    services = host.given("services") or {}
    if name in services:
        return Known(str(services[name]), "machine.yaml: services")
    group = f"/sys/fs/cgroup/system.slice/{name}.service"
    if host.exists(group).peek():
        return Known("running", group)
    if not any(host.is_file(f"{directory}/{name}.service") for directory in _UNITS):
        return Absent(f"{name}.service")
    if not host.is_real:
        return Unknown("the tree does not say", "machine.yaml: services")
    state = _ask(["systemctl", "show", "--property=ActiveState", "--value", f"{name}.service"])
    if not isinstance(state, Known):
        return state
    word = {"active": "running", "failed": "failed"}.get(state.value, "stopped")
    return Known(word, state.source)


def ask_version(host: HostReader, command: str) -> Fact[str]:
    """Return what `COMMAND --version` prints; of a tree, what `machine.yaml` says."""
    versions = host.given("versions") or {}
    if command in versions:
        return Known(str(versions[command]), "machine.yaml: versions")
    if not host.is_real:
        return Unknown("the tree does not say", "machine.yaml: versions")
    return _ask([command, "--version"])


def _ask(argv: list[str]) -> Known[str] | Unknown:
    """Run a small program that answers every user; return what it prints."""
    import subprocess

    source = " ".join(argv)
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=_SECONDS, check=False, env=environment
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return Unknown(str(error), source)
    text = done.stdout.strip()
    if done.returncode or not text:
        return Unknown(done.stderr.strip()[:200] or "no answer", source)
    return Known(text, source)

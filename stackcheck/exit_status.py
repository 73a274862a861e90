"""How a process ended, by the name of its signal."""

from __future__ import annotations

import signal

__all__ = ["signal_name"]


def signal_name(status: int) -> str:
    """Return the name of the signal that a negative exit status tells of (`SIGSEGV`), `signal 40` for one without."""
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"

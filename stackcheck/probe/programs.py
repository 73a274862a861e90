"""Small programs that are asked what no file tells: always an argument list, always with a deadline."""

from __future__ import annotations

import os

from stackcheck.model.fact import Fact, Known, Unknown

__all__ = ["ask"]

_SECONDS = 2.0
"""For a program such as systemctl, which asks a daemon that may hang."""


def ask(argv: list[str]) -> Fact[str]:
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

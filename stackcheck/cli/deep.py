"""`doctor --deep`: every installed framework imported in a process of its own, side by side, with a deadline."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackcheck.model.machine import Machine

__all__ = ["import_frameworks"]


def import_frameworks(
    machine: Machine, seconds: float, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """Return for each framework in the machine's environment what it said, or `crashed` with the reason."""
    from stackcheck.environments.tools import Tools
    from stackcheck.environments.verification import observe

    environment = machine.environment.peek()
    builds = (environment.builds.peek() or ()) if environment else ()
    frameworks = sorted({build.framework for build in builds})
    if environment is None or not frameworks:
        return {}
    say(f"importing {', '.join(frameworks)} (at most {seconds:g} s)")
    prefix, tools = Path(environment.prefix), Tools(quiet=True)
    with ThreadPoolExecutor(len(frameworks)) as pool:
        answers = pool.map(
            lambda framework: observe(prefix, framework, tools, seconds=seconds), frameworks
        )
        return dict(zip(frameworks, answers, strict=True))

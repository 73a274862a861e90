"""One training over several ranks: started, watched to its end or its deadline, judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from stackcheck.fleet.ranks.ensemble import Ensemble
from stackcheck.fleet.ranks.judgement import judge
from stackcheck.fleet.ranks.launchers import Launcher
from stackcheck.fleet.ranks.report import RankReport
from stackcheck.fleet.ranks.streams import Streams

__all__ = ["train_ranks"]

_START_TIMES = 4
"""Frameworks take long to import from shared file systems, schedulers to start tasks: so many times the patience."""
_TELLING_SECONDS = 5.0
"""How long the others may take to say what they miss, once one is lost."""


def train_ranks(
    launcher: Launcher,
    world: int,
    python: str,
    request: Mapping[str, Any],
    patience: float,
    listener: Callable[[Ensemble], None] | None = None,
) -> RankReport:
    """Train on `world` ranks; end them when no rank has said anything for `patience` seconds.

    Raises `InputError` where the launcher is missing or does not start.
    """
    from stackcheck.smoke.joint import train_jointly

    began = time.monotonic()
    commands, variables = launcher.commands(world, python, request)
    ensemble = Ensemble(world, launcher.own_ranks)
    running = len(commands)
    broken_at: float | None = None
    heard = began
    with Streams(commands, variables) as streams:
        joint = train_jointly(world, request["steps"])
        while running and not ensemble.finished:
            allowed = patience if ensemble.all_joined else _START_TIMES * patience
            deadline = heard + allowed
            if ensemble.broken:
                broken_at = broken_at or time.monotonic()
                deadline = min(deadline, broken_at + min(_TELLING_SECONDS, patience))
            line = streams.next_line(deadline)
            if line is None:
                break
            launcher.notice(line, ensemble)
            if line.channel == "end":
                running -= 1
            elif line.channel == "errors":
                ensemble.strays.append(line.text)
            else:
                heard = time.monotonic()
                ensemble.hear(line.text)
                if listener is not None:
                    listener(ensemble)
    return judge(ensemble, joint, patience, time.monotonic() - began)

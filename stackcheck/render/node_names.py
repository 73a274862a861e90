"""Many node names in few words: `n[001-128,200]`, as Slurm writes them and its commands read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["fold_names", "natural_key"]

_NUMBERED = re.compile(r"(.*?)(\d+)$", re.DOTALL)


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts `n9` before `n10`."""
    return [
        (1, int(part), part) if part.isdecimal() and part.isascii() else (0, 0, part)
        for part in re.split(r"(\d+)", name)
    ]


def fold_names(names: Iterable[str]) -> str:
    """Return the names with runs of numbers folded; a number keeps its leading zeros."""
    groups: dict[tuple[str, int], list[str]] = {}
    for name in sorted(names, key=natural_key):
        found = _NUMBERED.fullmatch(name)
        if found is None or not found[1]:
            groups[name, -1] = []
        else:
            padded = len(found[2]) if found[2].startswith("0") else 0
            groups.setdefault((found[1], padded), []).append(found[2])
    return ",".join(
        f"{prefix}{_fold_numbers(numbers)}" if numbers else prefix
        for (prefix, _), numbers in groups.items()
    )


def _fold_numbers(numbers: Sequence[str]) -> str:
    runs: list[list[str]] = []
    for number in numbers:
        if runs and int(number) == int(runs[-1][-1]) + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    if len(numbers) == 1:
        return numbers[0]
    parts = [run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return f"[{','.join(parts)}]"

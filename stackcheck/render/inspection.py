"""What `inspect` found, as text and as a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from stackcheck.probe.inspection import InspectedFile

__all__ = ["inspection_document", "print_inspection"]


def inspection_document(files: Sequence[InspectedFile]) -> Mapping[str, Any]:
    """Return the files in the form of the contract."""
    return {
        "files": [
            {
                "path": each.path,
                "architectures": [str(code) for code in each.architectures if not code.ptx],
                "ptx": [str(code) for code in each.architectures if code.ptx],
                "cuda": each.cuda or None,
                "needed": [
                    {
                        "name": library.name,
                        "found": library.found,
                        "shadowed": list(library.shadowed),
                    }
                    for library in each.needed
                ],
                "error": each.error or None,
            }
            for each in files
        ]
    }


def print_inspection(files: Sequence[InspectedFile], console: Console, *, verbose: bool) -> None:
    """Print the files with GPU code, with missing or with shadowed libraries; with `verbose` all of them."""
    shown = 0
    for each in files:
        missing = [library.name for library in each.needed if library.found is None]
        shadowed = [library for library in each.needed if library.shadowed]
        if not (
            verbose or each.architectures or missing or shadowed or each.error or len(files) == 1
        ):
            continue
        shown += 1
        console.print(each.path, markup=False, highlight=False)
        if each.error:
            console.print(f"  [yellow]not read[/yellow]: {each.error}")
            continue
        codes = " ".join(map(str, each.architectures))
        console.print(f"  GPU code: {codes or 'none'}", markup=False, highlight=False)
        if each.cuda:
            console.print(f"  CUDA runtime: {each.cuda}", markup=False, highlight=False)
        for name in missing:
            console.print(f"  [red]not found[/red]: {name}", highlight=False)
        for library in shadowed:
            console.print(f"  {library.name}: {library.found}", markup=False, highlight=False)
            for other in library.shadowed:
                console.print(f"    before {other}", markup=False, highlight=False)
    quiet = len(files) - shown
    if quiet or not files:
        console.print(f"{quiet} of {len(files)} files have no GPU code and all of their libraries")

"""Options that several commands share, declared once.

`with_options` spreads the fields of a dataclass over a command's signature, since the command line library reads one
parameter per option and knows no groups.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from functools import wraps
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import typer

from stackcheck.model.record import record

__all__ = [
    "FilesOption",
    "JsonOption",
    "MachineFlags",
    "WishFlags",
    "find_misspelt",
    "with_options",
]

FilesOption = Annotated[
    list[str] | None,
    typer.Option("-r", metavar="FILE", help="Requirements, pyproject, environment or lock file."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@record(frozen=True)
class MachineFlags:
    """What the user states of the machine. A stated machine is not probed; what is not stated is unknown."""

    gpu: Annotated[
        list[str] | None,
        typer.Option(
            "--gpu",
            metavar="NAME",
            help="GPU of the machine, as people or NVML name it; repeatable.",
        ),
    ] = None
    compute_capability: Annotated[
        list[str] | None,
        typer.Option(
            "--compute-capability",
            metavar="X.Y",
            help="Capability of the i-th GPU; wins over its name.",
        ),
    ] = None
    driver: Annotated[
        str | None, typer.Option("--driver", metavar="V", help="NVIDIA driver version.")
    ] = None
    driver_cuda: Annotated[
        str | None,
        typer.Option("--driver-cuda", metavar="V", help="CUDA version that the driver reports."),
    ] = None
    os: Annotated[
        str | None,
        typer.Option("--os", metavar="TEXT", help="Operating system in words: 'Ubuntu 22.04'."),
    ] = None
    arch: Annotated[
        str | None, typer.Option("--arch", metavar="ARCH", help="x86_64 or aarch64.")
    ] = None
    glibc: Annotated[
        str | None, typer.Option("--glibc", metavar="V", help="C library version.")
    ] = None
    cuda_toolkit: Annotated[
        str | None,
        typer.Option("--cuda-toolkit", metavar="V", help="CUDA toolkit installed on the machine."),
    ] = None
    cudnn: Annotated[
        str | None, typer.Option("--cudnn", metavar="V", help="cuDNN installed on the machine.")
    ] = None
    container: Annotated[
        str | None,
        typer.Option("--container", metavar="TEXT", help="Container image or engine it runs in."),
    ] = None
    no_gpu: Annotated[bool, typer.Option("--no-gpu", help="The machine has no NVIDIA GPU.")] = False
    elsewhere: Annotated[
        bool, typer.Option("--elsewhere", help="Some other machine: nothing is probed.")
    ] = False
    facts: Annotated[
        list[str] | None,
        typer.Option(
            "--facts", metavar="FILE", help="A probed machine (`stackcheck probe`); repeatable."
        ),
    ] = None

    @property
    def states_machine(self) -> bool:
        """Whether any flag replaces probing."""
        return any(getattr(self, entry.name) for entry in fields(self))


@record(frozen=True)
class WishFlags:
    """What the user wants of the answer. Wishes never stop the probing."""

    python: Annotated[str | None, typer.Option("--python", metavar="V", help="Python version.")] = (
        None
    )
    cuda: Annotated[
        str | None, typer.Option("--cuda", metavar="V", help="CUDA version of the builds.")
    ] = None
    channel: Annotated[
        str | None,
        typer.Option("--channel", metavar="TEXT", help="Channel: pypi, pytorch, conda-forge, ..."),
    ] = None
    prefer: Annotated[
        str,
        typer.Option("--prefer", metavar="newest|stable", help="Newest releases, or settled ones."),
    ] = "newest"
    exclude_newer: Annotated[
        str | None,
        typer.Option(
            "--exclude-newer", metavar="DATE", help="Ignore what was released after DATE."
        ),
    ] = None


def find_misspelt(*given: tuple[str, str | None, Sequence[str]]) -> list[str]:
    """Return one line for each (flag, value, choices) whose value is none of the choices; None was not given."""
    return [
        f"{flag} {value}: choose one of {', '.join(choices)}"
        for flag, value, choices in given
        if value is not None and value not in choices
    ]


_F = TypeVar("_F", bound=Callable[..., Any])


def _without_implied_none(hint: Any) -> Any:
    """Return the annotation as written: Python 3.10 wraps it in Optional where the default is None."""
    inner = [each for each in get_args(hint) if each is not type(None)]
    wrapped = get_origin(hint) is Union and len(inner) == 1 and get_origin(inner[0]) is Annotated
    return inner[0] if wrapped else hint


def with_options(**groups: type[Any]) -> Callable[[_F], _F]:
    """Replace each keyword parameter `name` of a command by the fields of `groups[name]`.

    The command receives the dataclass; the command line shows its fields as options.
    """

    def spread(command: _F) -> _F:
        hints = {
            name: _without_implied_none(hint)
            for name, hint in get_type_hints(command, include_extras=True).items()
        }
        parameters: list[inspect.Parameter] = []
        for name, parameter in inspect.signature(command).parameters.items():
            if name not in groups:
                parameters.append(parameter.replace(annotation=hints[name]))
                continue
            group_hints = get_type_hints(groups[name], include_extras=True)
            parameters += [
                inspect.Parameter(
                    entry.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=None if entry.default is MISSING else entry.default,
                    annotation=group_hints[entry.name],
                )
                for entry in fields(groups[name])
            ]

        @wraps(command)
        def call(*args: Any, **given: Any) -> Any:
            for name, group in groups.items():
                given[name] = group(
                    **{entry.name: given.pop(entry.name) for entry in fields(group)}
                )
            return command(*args, **given)

        parameters.sort(key=lambda parameter: parameter.kind)
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return call  # type: ignore[return-value]

    return spread

"""What the user wants of the answer, beside the requirements."""

from __future__ import annotations

import datetime

from stackcheck.errors import InputError
from stackcheck.model.record import record
from stackcheck.model.version import InvalidVersion, Version, parse_version

__all__ = ["Wishes", "read_wishes"]


@record(frozen=True)
class Wishes:
    """`pythons` are tried in order; `prefer` is `newest` or `stable`."""

    python: Version | None = None
    pythons: tuple[str, ...] = ()
    """Python minor versions to try first, for example the one of the environment at hand."""
    cuda: Version | None = None
    channel: str = ""
    prefer: str = "newest"
    exclude_newer: str = ""


def read_wishes(
    python: str | None,
    cuda: str | None,
    channel: str | None,
    prefer: str,
    exclude_newer: str | None,
) -> Wishes:
    """Read the options' texts. Raises `InputError` with every fault."""
    faults: list[str] = []

    def version(option: str, text: str | None) -> Version | None:
        try:
            return parse_version(text) if text else None
        except InvalidVersion:
            faults.append(
                f"{option} {text!r}: no version; write for example {'3.12' if option == '--python' else '12.8'}"
            )
            return None

    wishes = Wishes(
        version("--python", python),
        (),
        version("--cuda", cuda),
        channel or "",
        prefer,
        exclude_newer or "",
    )
    if prefer not in ("newest", "stable"):
        faults.append(f"--prefer {prefer!r}: write newest or stable")
    if exclude_newer:
        try:
            datetime.date.fromisoformat(exclude_newer[:10])
        except ValueError:
            faults.append(f"--exclude-newer {exclude_newer!r}: write a date as YYYY-MM-DD")
    if faults:
        raise InputError(*faults)
    return wishes

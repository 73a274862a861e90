"""Entry point of `stackcheck` and `python -m stackcheck`."""

from __future__ import annotations

import gc
import sys

from stackcheck import __version__


def main() -> None:
    """Run the command line and exit with its status."""
    if sys.argv[1:] == ["--version"]:  # answered before anything heavy is imported
        print(f"stackcheck {__version__}")  # noqa: T201
        return
    gc.disable()  # imports and answers leave next to no garbage, and the search for it takes a tenth of the time
    from stackcheck.cli.app import run

    status = run(sys.argv[1:])
    gc.freeze()  # nor is there any that the interpreter need look for on its way out
    sys.exit(status)


if __name__ == "__main__":
    main()

"""Entry point of `stackcheck` and `python -m stackcheck`."""

from __future__ import annotations

import sys

from stackcheck import __version__


def main() -> None:
    """Run the command line and exit with its status."""
    if sys.argv[1:] == ["--version"]:  # answered before anything heavy is imported
        print(f"stackcheck {__version__}")  # noqa: T201
        return
    from stackcheck.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

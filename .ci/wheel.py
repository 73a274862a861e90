"""Check a wheel: its top levels, and that it carries exactly the matrices of the checkout."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path


def main(wheel: str, matrices: str) -> int:
    """Print every fault; return the exit status."""
    names = zipfile.ZipFile(wheel).namelist()
    faults = []
    tops = {name.partition("/")[0] for name in names}
    if {top for top in tops if not top.endswith(".dist-info")} != {"stackcheck", "stackgrad"}:
        faults.append(f"top levels are {sorted(tops)}")
    shipped = {
        name.removeprefix("stackcheck/matrices/")
        for name in names
        if name.startswith("stackcheck/matrices/")
    }
    ours = {
        path.relative_to(matrices).as_posix()
        for path in Path(matrices).rglob("*")
        if path.is_file()
    }
    faults += [f"matrices/{name} is not in the wheel" for name in sorted(ours - shipped)]
    faults += [f"{name} is only in the wheel" for name in sorted(shipped - ours)]
    faults += [f"matrices/{name} is no YAML" for name in sorted(ours) if not name.endswith(".yaml")]
    if not any(name.endswith("licenses/LICENSE") for name in names):
        faults.append("the licence is missing")
    print(
        "\n".join(faults)
        or f"{wheel.rpartition('/')[2]}: {len(names)} files, {len(shipped)} matrices"
    )
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Write `stackcheck/schemas/*.json` anew: `python -m stackcheck.render.write_schemas`."""

from __future__ import annotations

import json
from pathlib import Path

from stackcheck.render.documents import DOCUMENTS, json_schema

__all__ = ["FOLDER", "schema_text", "write_schemas"]

FOLDER = Path(__file__).parent.parent / "schemas"


def schema_text(name: str) -> str:
    """Return the file of one document."""
    return json.dumps(json_schema(name), indent=2) + "\n"


def write_schemas() -> None:
    """Write every file."""
    for name in DOCUMENTS:
        (FOLDER / f"{name}.json").write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    write_schemas()

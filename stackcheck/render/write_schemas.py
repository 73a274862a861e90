"""Write `stackcheck/schemas/*.json` anew: `python -m stackcheck.render.write_schemas`."""

from __future__ import annotations

import json
from pathlib import Path

from stackcheck.knowledge.document import json_schemas
from stackcheck.render.documents import DOCUMENTS, json_schema

__all__ = ["FOLDER", "NAMES", "schema_text", "write_schemas"]

FOLDER = Path(__file__).parent.parent / "schemas"

NAMES = (*DOCUMENTS, *json_schemas())
"""What commands print, and the files of the matrices, for editors."""


def schema_text(name: str) -> str:
    """Return the file of one document."""
    schema = json_schema(name) if name in DOCUMENTS else json_schemas()[name]
    return json.dumps(schema, indent=2) + "\n"


def write_schemas() -> None:
    """Write every file."""
    for name in NAMES:
        (FOLDER / f"{name}.json").write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    write_schemas()

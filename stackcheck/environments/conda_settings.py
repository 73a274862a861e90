"""What the user's conda configuration says of channels: aliases and mirrors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from stackcheck.errors import InputError

__all__ = ["channel_url"]

_ANACONDA = {"main": "https://repo.anaconda.com/pkgs/main", "r": "https://repo.anaconda.com/pkgs/r"}


def _files() -> Iterator[Path]:
    """Yield the configuration files, weakest first, as far as they do not depend on an installed conda."""
    yield Path("/etc/conda/.condarc")
    yield Path.home() / ".config" / "conda" / ".condarc"
    yield Path.home() / ".conda" / ".condarc"
    yield Path.home() / ".condarc"
    if configured := os.environ.get("CONDARC"):
        yield Path(configured)


@cache
def _settings() -> dict[str, Any]:
    import yaml

    merged: dict[str, Any] = {}
    for path in _files():
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError:
            continue
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: conda's configuration cannot be read ({error})") from error
        if isinstance(content, dict):
            merged.update(content)
    return merged


def channel_url(name: str) -> str:
    """Return a channel's address: its mirror if the user has one, else below the user's or conda's own alias."""
    if "://" in name:
        return name
    settings = _settings()
    custom = settings.get("custom_channels")
    if isinstance(custom, dict) and name in custom:
        return f"{str(custom[name]).rstrip('/')}/{name}"
    alias = os.environ.get("CONDA_CHANNEL_ALIAS") or settings.get("channel_alias")
    if alias:
        return f"{str(alias).rstrip('/')}/{name}"
    return _ANACONDA.get(name, f"https://conda.anaconda.org/{name}")

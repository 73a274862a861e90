"""Credentials of indexes and channels: found where the user's tools have them, kept out of files and messages."""

from __future__ import annotations

import base64
import netrc
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

__all__ = [
    "authorization",
    "hide_credentials",
    "index_entries",
    "password_variables",
    "split_credentials",
    "without_credentials",
]

_LISTS = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
"""uv's variables that name indexes."""

_USER = re.compile(r"(?<=://)[^/\s@]+@")
_TOKEN = re.compile(r"(\w://[^/\s]+(?:/[^/\s]+)?)/t/[^/\s]+(?=/)")
"""A conda channel's token is a part of its path, behind the host or its first folder."""


def split_credentials(url: str) -> tuple[str, str, str]:
    """Return a URL without its user and password, and these two, empty where it has none."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, "", ""
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, unquote(parts.username), unquote(parts.password or "")


def without_credentials(text: str) -> str:
    """Return a text without the credentials of any URL in it: what may be written into a file that others read."""
    return _TOKEN.sub(r"\1", _USER.sub("", text))


def hide_credentials(text: str) -> str:
    """Return a text with those credentials starred out, as it may be shown."""
    return _TOKEN.sub(r"\1/t/****", _USER.sub("****@", text))


def index_entries(variable: str) -> list[tuple[str, str]]:
    """Return (name, URL) of the indexes that one of uv's variables lists; those without a name have an empty one."""
    found: list[tuple[str, str]] = []
    for entry in re.split(r"[\s,]+", os.environ.get(variable, "")):
        name, _, url = entry.partition("=")
        found.append((name, url) if url and "://" not in name else ("", entry))
    return [(name, url) for name, url in found if url]


def password_variables(name: str) -> tuple[str, str]:
    """Return the variables in which uv looks for the user and the password of an index of that name."""
    stem = "UV_INDEX_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
    return f"{stem}_USERNAME", f"{stem}_PASSWORD"


def _configured() -> Iterator[tuple[str, str, str]]:
    """Yield (host and port, user, password) of every index that the user's variables name."""
    for variable in _LISTS:
        for name, address in index_entries(variable):
            url, user, password = split_credentials(address)
            if name and not user:
                user, password = (os.environ.get(each, "") for each in password_variables(name))
            if user or password:
                yield urlsplit(url).netloc, user, password


def _netrc() -> netrc.netrc | None:
    path = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    with suppress(OSError, netrc.NetrcParseError):
        return netrc.netrc(str(path))
    return None


def _from_netrc(host: str) -> tuple[str, str]:
    login = own.hosts.get(host) if (own := _netrc()) is not None else None
    return (login[0], login[2] or "") if login else ("", "")


def authorization(url: str) -> dict[str, str]:
    """Return the headers with which the user's own settings would ask a server; none where they have nothing for it."""
    _, user, password = split_credentials(url)
    if not user:
        parts = urlsplit(url)
        known = {host: (user, password) for host, user, password in _configured()}
        user, password = known.get(parts.netloc) or _from_netrc(parts.hostname or "")
    if not user and not password:
        return {}
    text = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {text}"}

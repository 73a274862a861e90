"""Real software as conda packages: this interpreter made relocatable, and wheels, in the `.conda` format.

A `.conda` file is a zip archive of two zstd-compressed tar archives. The zstd frames hold their blocks raw: nothing
here needs a compressor.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path

from tests.stackcheck.environments.conda_channel import MINOR, SITE

_BLOCK = 1 << 17
_LEFT_OUT = {"__pycache__", "site-packages", "test", "tests", "idlelib", "tkinter", "turtledemo"}


def zstd_frame(content):
    """Return a zstd frame (RFC 8878) of raw blocks."""
    frame = bytearray(b"\x28\xb5\x2f\xfd\x00\x38")  # magic, no content size, a window of 128 KiB
    for start in range(0, len(content), _BLOCK):
        block = content[start : start + _BLOCK]
        is_last = start + _BLOCK >= len(content)
        frame += (len(block) << 3 | is_last).to_bytes(3, "little")
        frame += block
    return bytes(frame)


def _tar(members):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content, mode, target in members:
            entry = tarfile.TarInfo(path)
            entry.mode = mode
            if target:
                entry.type, entry.linkname = tarfile.SYMTYPE, target
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def write_conda(path, index, files, *, links=(), placeholder=""):
    """Write a package of (path, bytes, mode) files and (path, target) links.

    Text files with `placeholder` in them are recorded as conda-build does: the prefix takes its place.
    """
    entries, members = [], []
    for name, content, mode in files:
        entry = {
            "_path": name,
            "path_type": "hardlink",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_in_bytes": len(content),
        }
        if placeholder and placeholder.encode() in content and b"\0" not in content:
            entry |= {"prefix_placeholder": placeholder, "file_mode": "text"}
        entries.append(entry)
        members.append((name, content, mode, ""))
    entries += [{"_path": name, "path_type": "softlink"} for name, _ in links]
    members += [(name, b"", 0o777, target) for name, target in links]
    info = {"info/index.json": index, "info/paths.json": {"paths": entries, "paths_version": 1}}
    if index.get("noarch"):
        info["info/link.json"] = {"noarch": {"type": "python"}, "package_metadata_version": 1}
    described = [(name, json.dumps(text).encode(), 0o644, "") for name, text in info.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        archive.writestr(f"pkg-{path.stem}.tar.zst", zstd_frame(_tar(members)))
        archive.writestr(f"info-{path.stem}.tar.zst", zstd_frame(_tar(described)))


class RealChannel:
    """A channel of `.conda` packages."""

    def __init__(self, folder):
        self.folder = folder
        self.records = {"linux-64": {}, "noarch": {}}

    def add(
        self, name, version, build, files, *, depends=(), links=(), placeholder="", noarch=False
    ):
        subdir = "noarch" if noarch else "linux-64"
        index = {
            "name": name,
            "version": version,
            "build": build,
            "build_number": 0,
            "depends": list(depends),
            "subdir": subdir,
            **({"noarch": "python"} if noarch else {"arch": "x86_64", "platform": "linux"}),
        }
        path = self.folder / subdir / f"{name}-{version}-{build}.conda"
        write_conda(path, index, files, links=links, placeholder=placeholder)
        content = path.read_bytes()
        self.records[subdir][path.name] = index | {
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
        }

    def add_wheel(self, wheel, *, name="", version="", build="py_0", depends=("python",)):
        """Make a package of a wheel: a `noarch: python` one of a pure wheel."""
        own_name, own_version = wheel.name.split("-")[:2]
        pure = wheel.name.endswith("-none-any.whl")
        root = "site-packages" if pure else SITE
        with zipfile.ZipFile(wheel) as archive:
            files = [
                (f"{root}/{entry}", archive.read(entry), 0o755 if "/bin/" in entry else 0o644)
                for entry in archive.namelist()
                if not entry.endswith("/") and ".data/" not in entry
            ]
        label = (name or own_name.replace("_", "-")).lower()
        self.add(label, version or own_version, build, files, depends=depends, noarch=pure)

    def finish(self):
        for subdir, packages in self.records.items():
            document = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": packages}
            (self.folder / subdir).mkdir(parents=True, exist_ok=True)
            (self.folder / subdir / "repodata.json").write_text(json.dumps(document))


def add_python(channel):
    """Add this very interpreter with its library, as a package that runs from any prefix."""
    base = Path(sys.base_prefix).resolve()
    executable = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    own_path = f"{base}/lib".encode()
    relative = b"$ORIGIN/../lib".ljust(len(own_path), b"\0")

    def relocate(content):
        return content.replace(own_path + b"\0", relative + b"\0")

    files = [(f"bin/python{MINOR}", relocate(executable.read_bytes()), 0o755)]
    links = [("bin/python", f"python{MINOR}"), ("bin/python3", f"python{MINOR}")]
    for library in sorted((base / "lib").glob("libpython*.so*")):
        if library.is_symlink():
            links.append((f"lib/{library.name}", str(library.readlink())))
        else:
            files.append((f"lib/{library.name}", relocate(library.read_bytes()), 0o755))
    for path in sorted((base / "lib" / f"python{MINOR}").rglob("*")):
        parts = path.relative_to(base / "lib").parts
        if path.is_file() and not _LEFT_OUT & set(parts) and "config-" not in str(path):
            mode = 0o755 if path.suffix == ".so" else 0o644
            files.append((f"lib/{'/'.join(parts)}", path.read_bytes(), mode))
    files.append((f"{SITE}/README.txt", b"", 0o644))
    version = ".".join(map(str, sys.version_info[:3]))
    channel.add("python", version, "h0_real", files, links=links, placeholder=str(base))

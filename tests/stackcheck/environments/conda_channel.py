"""A conda channel of the tests' own, with conda-forge's names and constraints and next to nothing in the packages.

The Python package is a shim: a link to the interpreter that runs the tests and a `pyvenv.cfg`, which make a prefix
that works in every respect but its size. pip is the one that Python brings along.
"""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
SITE = f"lib/python{MINOR}/site-packages"


class Channel:
    """Packages are added one by one; `finish` writes the index."""

    def __init__(self, folder: Path, subdir: str = "linux-64"):
        self.folder, self.subdir = folder, subdir
        self.records: dict[str, dict[str, dict]] = {subdir: {}, "noarch": {}}

    @property
    def url(self):
        return self.folder.as_uri()

    def add(
        self,
        name,
        version,
        build="0",
        *,
        depends=(),
        constrains=(),
        files=None,
        links=None,
        noarch=False,
    ):
        subdir = "noarch" if noarch else self.subdir
        index = {
            "name": name,
            "version": version,
            "build": build,
            "build_number": 0,
            "depends": list(depends),
            "constrains": list(constrains),
            "subdir": subdir,
            **({"noarch": "python"} if noarch else {"arch": "x86_64", "platform": "linux"}),
        }
        path = self.folder / subdir / f"{name}-{version}-{build}.tar.bz2"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_pack(index, files or {}, links or {}))
        content = path.read_bytes()
        self.records[subdir][path.name] = index | {
            "sha256": hashlib.sha256(content).hexdigest(),
            "md5": hashlib.md5(content).hexdigest(),
            "size": len(content),
        }
        return path

    def record(self, name, version, build="0", *, depends=(), constrains=()):
        """Add a line of the index without a package behind it: enough to solve with."""
        self.records[self.subdir][f"{name}-{version}-{build}.tar.bz2"] = {
            "name": name,
            "version": version,
            "build": build,
            "build_number": 0,
            "depends": list(depends),
            "constrains": list(constrains),
            "subdir": self.subdir,
            "sha256": "0" * 64,
            "size": 1,
        }

    def add_wheel(self, wheel, name, version, build="0", *, depends=("python",)):
        """Make a package of a real wheel."""
        with zipfile.ZipFile(wheel) as archive:
            files = {
                f"{SITE}/{entry}": archive.read(entry)
                for entry in archive.namelist()
                if not entry.endswith("/")
            }
        return self.add(name, version, build, depends=depends, files=files)

    def finish(self):
        for subdir, packages in self.records.items():
            document = {"info": {"subdir": subdir}, "packages": packages, "packages.conda": {}}
            (self.folder / subdir).mkdir(parents=True, exist_ok=True)
            (self.folder / subdir / "repodata.json").write_text(json.dumps(document))
        return self


def _pack(index, files, links):
    entries = [
        {
            "_path": path,
            "path_type": "hardlink",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_in_bytes": len(content),
        }
        for path, content in files.items()
    ] + [{"_path": path, "path_type": "softlink"} for path in links]
    info = {"info/index.json": index, "info/paths.json": {"paths": entries, "paths_version": 1}}
    if index.get("noarch"):
        info["info/link.json"] = {"noarch": {"type": "python"}, "package_metadata_version": 1}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in {
            **{k: json.dumps(v).encode() for k, v in info.items()},
            **files,
        }.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o755 if path.startswith("bin/") else 0o644
            archive.addfile(entry, io.BytesIO(content))
        for path, target in links.items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return bz2.compress(packed.getvalue(), 1)


def bundled_wheels():
    """Return the wheels that come with Python: pip, and before 3.12 setuptools."""
    import ensurepip

    return sorted((Path(ensurepip.__file__).parent / "_bundled").glob("*.whl"))


def bundled_pip():
    """Return the pip wheel that comes with Python."""
    return next(wheel for wheel in bundled_wheels() if wheel.name.startswith("pip-"))


def add_python(channel):
    """Add the shim of this interpreter, records of its neighbours to solve with, and pip."""
    base = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    version = f"{sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}"
    channel.add(
        "python",
        version,
        "h0_shim",
        files={
            "pyvenv.cfg": f"home = {base.parent}\nversion = {version}\n".encode(),
            f"{SITE}/README": b"",
        },
        links={"bin/python": str(base), "bin/python3": "python", f"bin/python{MINOR}": "python"},
    )
    for minor in range(9, 15):
        if f"3.{minor}" != MINOR:
            channel.add("python", f"3.{minor}.1", "h0_record")
    pip = bundled_pip()
    channel.add_wheel(pip, "pip", pip.name.split("-")[1])


def add_frameworks(channel):
    """Add conda-forge's frameworks: build strings, dependencies and `__cuda` as its recipes have them."""
    for cuda in ("11.8", "12.4", "12.6", "12.8", "12.9", "13.0"):
        major = cuda.partition(".")[0]
        channel.add(
            "cuda-version",
            cuda,
            "3",
            constrains=[f"cudatoolkit {cuda}|{cuda}.*", f"__cuda >={major}"],
        )
    for version, cuda in (
        ("2.9.1", "12.9"),
        ("2.10.0", "12.9"),
        ("2.12.0", "12.9"),
        ("2.13.0", "12.9"),
        ("2.13.0", "13.0"),
        ("2.7.0", "12.6"),
    ):
        label = cuda.replace(".", "")
        upper = f"{int(cuda.partition('.')[0]) + 1}.0a0"
        channel.add(
            "pytorch",
            version,
            f"cuda{label}_mkl_py_h1_302",
            depends=["python", "__cuda", f"cuda-version >={cuda},<{upper}", "__glibc >=2.17"],
            constrains=[f"pytorch-gpu {version}", "pytorch-cpu <0.0a0"],
            files={f"{SITE}/torch/__init__.py": f"__version__ = '{version}'\n".encode()},
        )
    for version in ("2.9.1", "2.10.0", "2.12.0", "2.13.0", "2.7.0"):
        torch = f"{SITE}/torch/__init__.py"
        channel.add(
            "pytorch",
            version,
            "cpu_mkl_py_h1_102",
            depends=["python"],
            constrains=[f"pytorch-cpu {version}", "pytorch-gpu <0.0a0"],
            files={torch: f"__version__ = '{version}'\n".encode()},
        )
        channel.add("pytorch-gpu", version, "cuda_h1_302", depends=[f"pytorch {version} cuda*"])
        channel.add("pytorch-cpu", version, "cpu_h1_102", depends=[f"pytorch {version} cpu*"])
    for version, cuda in (("0.9.2", "12.9"), ("0.7.2", "12.9"), ("0.6.0", "12.6")):
        label = cuda.replace(".", "")
        depends = ["python", f"cuda-version >={cuda},<13", "__cuda"]
        channel.add("jaxlib", version, f"cuda{label}_py_h1_200", depends=depends)
        channel.add("jaxlib", version, "cpu_py_h1_0", depends=["python"])
        channel.add(
            "jax", version, "pyhd8ed1ab_0", depends=["python", f"jaxlib {version}"], noarch=True
        )
    for version, cuda in (("2.19.1", "12.8"), ("2.18.0", "12.8"), ("2.17.0", "12.0")):
        label = cuda.replace(".", "")
        depends = ["python", f"cuda-version >={cuda},<13", "__cuda"]
        channel.add("tensorflow", version, f"cuda{label}py_h1_203", depends=depends)
        channel.add("tensorflow", version, "cpu_py_h1_3", depends=["python"])


def make_forge(folder):
    """Make a whole small conda-forge."""
    channel = Channel(folder)
    add_python(channel)
    add_frameworks(channel)
    return channel.finish()

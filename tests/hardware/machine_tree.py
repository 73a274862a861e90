"""Lays a machine out as a tree: what `STACKCHECK_SYSROOT` names, from `machine.yaml`, `tree.yaml` and real files.

`tree.yaml` says what would be hundreds of small files in sysfs and site-packages, some with names that not every file
system takes (`0000:3b:00.0`):

    about       what the machine is, one sentence
    based_on    another machine that this one differs from; mappings are merged, `null` takes an entry away
    pci         address -> device, class, driver, minor, width, max_width, config (ones), bars (false), excluded
    driver      module (null: not loaded), flavour, user (release of the libraries; null: none), directory, modules,
                loads (which of the fake libraries are there), built_for, firmware, params, majors, libraries,
                cached (false: not in ld.so.cache), link (false: no libcuda.so)
    zlib        false where there is none
    files       path -> text; links: path -> target; libraries: path -> ELF headers
    prefixes    path -> kind, python, use (names in packages.yaml), distributions, libraries, conda, files
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.hardware.elf_file import make_elf, make_loader_cache, make_note

MACHINES = Path(__file__).parents[1] / "machines"
PARTS = ("proc", "sys", "dev", "etc", "lib", "usr", "var", "run", "home", "opt")
NOTE = ".note.cuda.fwd_compatibility"


def names() -> list[str]:
    """Return the names of all machines."""
    return sorted(path.parent.name for path in MACHINES.glob("*/tree.yaml"))


def merged(base: Any, change: Any) -> Any:
    """Return `base` with the entries of `change` laid over; None takes an entry away."""
    if not isinstance(base, dict) or not isinstance(change, dict):
        return change
    joined = {
        key: merged(base[key], change[key]) if key in base and key in change else value
        for key, value in {**base, **change}.items()
    }
    return {key: value for key, value in joined.items() if value is not None}


def read(name: str, file: str) -> dict[str, Any]:
    """Return a machine's YAML file, laid over that of the machine that it is based on."""
    own = _yaml(MACHINES / name / file)
    base = _yaml(MACHINES / name / "tree.yaml").get("based_on")
    return merged(read(base, file), own) if base else own


def scenario(name: str) -> str:
    """Return the driver's scenario; a machine's own lines come after those of its base, and win."""
    base = _yaml(MACHINES / name / "tree.yaml").get("based_on")
    path = MACHINES / name / "nvml.scenario"
    own = path.read_text(encoding="utf-8") if path.exists() else ""
    return f"{scenario(base)}\n{own}" if base else own


def _yaml(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


class MachineTree:
    """One machine's tree under construction."""

    def __init__(self, name: str, root: Path) -> None:
        self.root = root
        self.tree = read(name, "tree.yaml")
        self.given = read(name, "machine.yaml")
        self.arch = self.given.get("uname", {}).get("machine", "x86_64")
        self.cached: list[tuple[str, str]] = []
        self._build(name)

    @property
    def driver(self) -> dict[str, Any]:
        found: dict[str, Any] = self.tree.get("driver") or {}
        return found

    @property
    def loaded(self) -> list[str]:
        """Sonames of the driver's libraries that a program on this machine can load."""
        driver = self.driver
        there = driver.get("user", driver.get("module"))
        both = ["libnvidia-ml.so.1", "libcuda.so.1"]
        found: list[str] = driver.get("loads", both if there else [])
        return found

    def _build(self, name: str) -> None:  # noqa: C901 (one loop for each section)
        for directory in ("proc", "sys/bus/pci/devices", "sys/module", "dev", "etc", "usr/local"):
            (self.root / directory).mkdir(parents=True, exist_ok=True)
        for address, function in (self.tree.get("pci") or {}).items():
            self._add_function(address, function)
        self._add_module()
        self._add_user_libraries()
        if self.tree.get("zlib", True):
            self._add_library(
                f"/lib/{self.arch}-linux-gnu/libz.so.1.2.13",
                {"soname": "libz.so.1", "cached": True},
            )
        for path, text in (self.tree.get("files") or {}).items():
            self._write(path, text)
        for path, target in (self.tree.get("links") or {}).items():
            self._link(path, target)
        for path, headers in (self.tree.get("libraries") or {}).items():
            self._add_library(path, headers or {})
        for path, prefix in (self.tree.get("prefixes") or {}).items():
            self._add_prefix(path, prefix)
        if self.tree.get("loader_cache", True):
            self._write("/etc/ld.so.cache", make_loader_cache(self.cached, self.arch))
        for part in PARTS:
            if (MACHINES / name / part).is_dir():
                shutil.copytree(MACHINES / name / part, self.root / part, dirs_exist_ok=True)
        self._write("/machine.yaml", yaml.safe_dump(self._with_nodes()))

    def _with_nodes(self) -> dict[str, Any]:
        """Return machine.yaml with the nodes that a loaded driver makes, unless it says otherwise."""
        nodes: dict[str, Any] = {}
        if self.driver.get("module") and self.tree.get("nodes", True):
            nodes["/dev/nvidiactl"] = {"major": 195, "minor": 255}
            nodes["/dev/nvidia-uvm"] = {"major": 511, "minor": 0}
            for function in (self.tree.get("pci") or {}).values():
                if function.get("minor") is not None and function.get("driver") == "nvidia":
                    minor = function["minor"]
                    nodes[f"/dev/nvidia{minor}"] = {"major": 195, "minor": minor}
        return {**self.given, "nodes": merged(nodes, self.given.get("nodes") or {})}

    def _write(self, path: str, content: str | bytes) -> None:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())

    def _link(self, path: str, target: str) -> None:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def _add_function(self, address: str, function: Mapping[str, Any]) -> None:
        base = f"/sys/bus/pci/devices/{address}"
        kind = str(function.get("class", "0x030200"))
        device = str(function["device"])
        identity = bytes.fromhex("de10") + int(device, 16).to_bytes(2, "little")
        dead = function.get("config") == "ones"
        assigned = "0x00000000fa000000 0x00000000faffffff 0x0000000000040200\n"
        second = "0x0000003800000000 0x0000003fffffffff 0x000000000014220c\n"
        empty = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
        self._write(f"{base}/vendor", "0x10de\n")
        self._write(f"{base}/device", f"{device}\n")
        self._write(f"{base}/class", f"{kind}\n")
        self._write(f"{base}/config", b"\xff" * 64 if dead else identity + bytes(60))
        bars = function.get("bars", True)
        self._write(f"{base}/resource", assigned + (second if bars else empty) + empty)
        self._write(f"{base}/current_link_width", f"{function.get('width', 16)}\n")
        self._write(f"{base}/max_link_width", f"{function.get('max_width', 16)}\n")
        if driver := function.get("driver"):
            self._link(f"{base}/driver", f"../../../../bus/pci/drivers/{driver}")
        if driver == "nvidia" and function.get("minor") is not None and self.driver.get("module"):
            self._write(
                f"/proc/driver/nvidia/gpus/{address}/information",
                f"Model: \t\t {function.get('name', 'NVIDIA')}\nBus Location: \t {address}\n"
                f"Device Minor: \t {function['minor']}\n"
                f"GPU Excluded:\t {'Yes' if function.get('excluded') else 'No'}\n",
            )

    def _add_module(self) -> None:
        driver = self.driver
        release = driver.get("module")
        for module in driver.get("modules", ["nvidia", "nvidia_uvm"] if release else []):
            self._write(f"/sys/module/{module}/initstate", "live\n")
        majors = " 10 misc\n"
        if release:
            flavour = "Open Kernel Module for" if driver.get("flavour") == "open" else ""
            words = (
                f"NVIDIA UNIX {flavour} {self.arch}"
                if flavour
                else f"NVIDIA UNIX {self.arch} Kernel Module"
            )
            self._write(
                "/proc/driver/nvidia/version",
                f"NVRM version: {words}  {release}  Tue Apr 15 18:26:53 UTC 2026\n"
                "GCC version:  gcc version 12.2.0\n",
            )
            self._write("/sys/module/nvidia/version", f"{release}\n")
            parameters = {"DeviceFileMode": 438, "EnableGpuFirmware": 18} | driver.get("params", {})
            self._write(
                "/proc/driver/nvidia/params",
                "".join(f"{name}: {value}\n" for name, value in parameters.items()),
            )
            majors += "195 nvidia\n195 nvidiactl\n511 nvidia-uvm\n234 nvidia-caps\n"
            self._write("/lib/firmware/regulatory.db", "")
            if driver.get("firmware", True):
                for chip in ("ga10x", "tu10x"):
                    self._write(f"/lib/firmware/nvidia/{release}/gsp_{chip}.bin", "firmware")
        self._write("/proc/devices", f"Character devices:\n{driver.get('majors', majors)}")
        for kernel in driver.get("built_for", []):
            self._write(f"/lib/modules/{kernel}/updates/dkms/nvidia.ko.zst", "module")

    def _add_user_libraries(self) -> None:
        driver = self.driver
        release = driver.get("user", driver.get("module"))
        if not release:
            return
        directory = driver.get("directory", f"/usr/lib/{self.arch}-linux-gnu")
        present = driver.get("libraries", ["libcuda", "libnvidia-ml", "libnvidia-ptxjitcompiler"])
        for stem in present:
            soname = f"{stem}.so.1"
            self._write(f"{directory}/{stem}.so.{release}", make_elf(soname=soname, arch=self.arch))
            self._link(f"{directory}/{soname}", f"{stem}.so.{release}")
            if driver.get("cached", True):
                self.cached.append((soname, f"{directory}/{soname}"))
        if "libcuda" in present and driver.get("link", True):
            self._link(f"{directory}/libcuda.so", "libcuda.so.1")

    def _add_library(self, path: str, headers: Mapping[str, Any]) -> None:
        soname = headers.get("soname", "")
        sections = {}
        if "note" in headers:
            document = json.dumps(headers["note"]).encode()
            sections[NOTE] = make_note("NVIDIA Corporation", document)
        content = make_elf(
            soname=soname,
            needed=headers.get("needed", ()),
            runpath=headers.get("runpath", ""),
            rpath=headers.get("rpath", ""),
            arch=headers.get("arch", self.arch),
            sections=sections,
        )
        self._write(path, content[: headers["truncated"]] if "truncated" in headers else content)
        directory, _, name = path.rpartition("/")
        if soname and soname != name:
            self._link(f"{directory}/{soname}", name)
        if headers.get("cached"):
            self.cached.append((soname, f"{directory}/{soname}"))

    def _add_prefix(self, prefix: str, content: Mapping[str, Any]) -> None:
        version = str(content.get("python", "3.12.7"))
        minor = version.rpartition(".")[0]
        library = f"lib/python{minor}"
        site = f"{prefix}/{library}/site-packages"
        kind = content.get("kind", "venv")
        self._write(f"{site}/_virtualenv.py", "")
        self._link(f"{prefix}/bin/python", f"/usr/bin/python{minor}")
        if not (self.root / f"usr/bin/python{minor}").exists():
            self._write(f"/usr/bin/python{minor}", "")
        if kind in ("venv", "uv"):
            uv = "uv = 0.9.9\n" if kind == "uv" else ""
            self._write(
                f"{prefix}/pyvenv.cfg",
                f"home = /usr/bin\nimplementation = CPython\n{uv}version_info = {version}\n"
                f"include-system-site-packages = false\n",
            )
        for package, entry in (content.get("conda") or {}).items():
            self._add_conda_package(prefix, package, entry)
        for package, entry in self._distributions(content):
            self._add_distribution(site, package, entry)
        for path, text in (content.get("files") or {}).items():
            self._write(f"{site}/{path}", text)
        for path, headers in (content.get("libraries") or {}).items():
            self._add_library(f"{site}/{path}", headers or {})

    @staticmethod
    def _distributions(content: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        sets = _yaml(MACHINES / "packages.yaml")
        joined: dict[str, Any] = {}
        for name in content.get("use", []):
            joined = merged(joined, sets[name])
        joined = merged(joined, content.get("distributions") or {})
        for package, entry in joined.items():
            yield package, entry if isinstance(entry, dict) else {"version": str(entry)}

    def _add_distribution(self, site: str, package: str, entry: Mapping[str, Any]) -> None:
        version = entry["version"]
        requires = "".join(f"Requires-Dist: {text}\n" for text in entry.get("requires", []))
        base = f"{site}/{package.replace('-', '_')}-{version}.dist-info"
        self._write(
            f"{base}/METADATA",
            f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n{requires}\n{package} does it all\n",
        )
        self._write(f"{base}/INSTALLER", f"{entry.get('installer', 'pip')}\n")
        owned = (*(entry.get("files") or {}), *(entry.get("libraries") or {}))
        lost = entry.get("lost", ())
        self._write(f"{base}/RECORD", "".join(f"{path},,\n" for path in (*owned, *lost)))
        for path, text in (entry.get("files") or {}).items():
            self._write(f"{site}/{path}", text)
        for path, headers in (entry.get("libraries") or {}).items():
            self._add_library(f"{site}/{path}", headers or {})

    def _add_conda_package(self, prefix: str, package: str, entry: Mapping[str, Any]) -> None:
        version, build = entry["version"], entry["build"]
        channel = entry.get("channel", "conda-forge")
        document = {
            "build": build,
            "channel": f"https://conda.anaconda.org/{channel}/linux-64",
            "depends": entry.get("depends", []),
            "files": [],
            "name": package,
            "version": version,
        }
        self._write(
            f"{prefix}/conda-meta/{package}-{version}-{build}.json", json.dumps(document, indent=2)
        )
        for path, headers in (entry.get("libraries") or {}).items():
            self._add_library(f"{prefix}/{path}", headers or {})

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path

from stackcheck.model.fact import Absent, Known
from stackcheck.probe.environment import probe_environment
from stackcheck.probe.host import HostReader
from stackcheck.probe.loader import Loader
from stackcheck.probe.packages import normalise, read_conda_packages, read_distributions
from tests.hardware.elf_file import make_elf


def put(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_agrees_with_importlib_metadata_on_this_environment() -> None:
    site = next(path for path in sys.path if path.endswith("site-packages"))
    found = read_distributions(HostReader(), [site]).get() or ()
    expected = {
        (normalise(entry.metadata["Name"]), entry.version)
        for entry in importlib.metadata.distributions(path=[site])
    }
    assert {(entry.name, entry.version) for entry in found} == expected
    numpy = next(entry for entry in found if entry.name == "numpy")
    assert numpy.installer.get() in ("pip", "uv")


def test_reads_requirements_and_stops_at_the_description(tmp_path: Path) -> None:
    put(
        tmp_path / "a_b-1.0.dist-info/METADATA",
        "Name: A.B\nVersion: 1.0\nRequires-Dist: numpy<2\n\nRequires-Dist: not-this\n",
    )
    (entry,) = read_distributions(HostReader(), [str(tmp_path)]).get() or ()
    assert (entry.name, entry.version, entry.requires) == ("a-b", "1.0", ("numpy<2",))
    assert entry.installer == Absent(f"{tmp_path}/a_b-1.0.dist-info/INSTALLER")


def test_takes_name_and_version_of_the_directory_where_the_metadata_is_lost(tmp_path: Path) -> None:
    (tmp_path / "torch-2.9.0+cu128.dist-info").mkdir()
    (entry,) = read_distributions(HostReader(), [str(tmp_path)]).get() or ()
    assert (entry.name, entry.version) == ("torch", "2.9.0+cu128")


def test_reads_egg_info_and_passes_over_interrupted_uninstalls(tmp_path: Path) -> None:
    put(tmp_path / "old-0.3-py3.8.egg-info", "Name: old\nVersion: 0.3\n")
    put(tmp_path / "dev.egg-info/PKG-INFO", "Name: dev\nVersion: 7\n")
    put(tmp_path / "~orch-2.0.dist-info/METADATA", "Name: torch\nVersion: 2.0\n")
    found = read_distributions(HostReader(), [str(tmp_path)]).get() or ()
    assert {(entry.name, entry.version) for entry in found} == {("old", "0.3"), ("dev", "7")}


def test_reads_conda_packages_by_their_file_names(tmp_path: Path) -> None:
    put(tmp_path / "conda-meta/libcublas-12.6.4.1-h5888daf_1.json", "{}")
    put(tmp_path / "conda-meta/history", "")
    (package,) = read_conda_packages(HostReader(), str(tmp_path)).get() or ()
    assert (package.name, package.version) == ("libcublas", "12.6.4.1")
    assert package.conda_build.get() == "h5888daf_1"
    assert isinstance(read_conda_packages(HostReader(), str(tmp_path / "none")), Absent)


def conda_environment(root: Path) -> None:
    head = {
        "build": "cuda126_py312h1763f6d_306",
        "channel": "https://conda.anaconda.org/t/sec-ret/conda-forge/linux-64",
        "depends": ["cudnn >=9.8.0.87,<10.0a0"],
        "files": [],
    }
    put(
        root / "env/conda-meta/pytorch-2.6.0-cuda126_py312h1763f6d_306.json",
        json.dumps(head, indent=2),
    )
    put(root / "env/conda-meta/python-3.12.9-h9e4cc4f_1_cpython.json", "{}")
    site = root / "env/lib/python3.12/site-packages"
    put(site / "torch-2.6.0.dist-info/METADATA", "Name: torch\nVersion: 2.6.0\n")
    put(site / "torch-2.6.0.dist-info/INSTALLER", "conda\n")
    put(site / "torch/version.py", "__version__ = '2.6.0'\ncuda: Optional[str] = '12.6'\n")
    put(root / "env/lib/libcudnn.so.9.8.0", make_elf(soname="libcudnn.so.9"))
    (root / "env/lib/libcudnn.so.9").symlink_to("libcudnn.so.9.8.0")


def test_what_conda_and_the_metadata_both_list_is_one_entry(tmp_path: Path) -> None:
    conda_environment(tmp_path)
    host = HostReader(tmp_path, {"environment": {"CONDA_PREFIX": "/env"}})
    environment = probe_environment(host, Loader(host, "x86_64"), None).get()
    assert environment is not None
    torch = [entry for entry in environment.distributions.get() or () if "torch" in entry.name]
    assert [entry.name for entry in torch] == ["torch"]
    assert torch[0].conda_build.get() == "cuda126_py312h1763f6d_306"
    assert torch[0].conda_channel.get() == "conda-forge"
    (build,) = environment.builds.get() or ()
    assert (build.framework, build.build.get(), str(build.cuda.get())) == (
        "pytorch",
        "cu126",
        "12.6",
    )
    (cudnn,) = environment.libraries.get() or ()
    assert (cudnn.soname, str(cudnn.version.get())) == ("libcudnn.so.9", "9.8.0")


def test_no_access_token_of_a_channel_is_kept(tmp_path: Path) -> None:
    conda_environment(tmp_path)
    host = HostReader(tmp_path, {"environment": {"CONDA_PREFIX": "/env"}})
    assert "sec-ret" not in str(probe_environment(host, Loader(host, "x86_64"), None))


def test_a_library_in_ld_library_path_shadows_the_environments_own(tmp_path: Path) -> None:
    conda_environment(tmp_path)
    put(tmp_path / "opt/lib/libcudnn.so.9.1.0", make_elf(soname="libcudnn.so.9"))
    (tmp_path / "opt/lib/libcudnn.so.9").symlink_to("libcudnn.so.9.1.0")
    variables = {"CONDA_PREFIX": "/env", "LD_LIBRARY_PATH": "/opt/lib:/env/lib"}
    host = HostReader(tmp_path, {"environment": variables})
    environment = probe_environment(host, Loader(host, "x86_64"), None).get()
    assert environment is not None
    (taken,) = environment.shadowing.get() or ()
    assert (taken.path, str(taken.version.get())) == ("/opt/lib/libcudnn.so.9", "9.1.0")


def shadowed_for(root: Path, *, rpath: str = "", runpath: str = "") -> tuple[str, ...]:
    conda_environment(root)
    put(
        root / "env/lib/libcublas.so.12",
        make_elf(needed=["libcudnn.so.9"], rpath=rpath, runpath=runpath),
    )
    put(root / "opt/lib/libcudnn.so.9", make_elf(soname="libcudnn.so.9"))
    variables = {"CONDA_PREFIX": "/env", "LD_LIBRARY_PATH": "/opt/lib"}
    host = HostReader(root, {"environment": variables})
    environment = probe_environment(host, Loader(host, "x86_64"), None).get()
    assert environment is not None
    return tuple(library.soname for library in environment.shadowing.get() or ())


def test_ld_library_path_comes_before_a_runpath(tmp_path: Path) -> None:
    assert shadowed_for(tmp_path, runpath="$ORIGIN") == ("libcudnn.so.9",)


def test_an_rpath_comes_before_ld_library_path(tmp_path: Path) -> None:
    assert shadowed_for(tmp_path, rpath="$ORIGIN") == ()


def test_an_rpath_does_not_count_beside_a_runpath(tmp_path: Path) -> None:
    assert shadowed_for(tmp_path, rpath="$ORIGIN", runpath="/other") == ("libcudnn.so.9",)


def test_the_environments_own_directory_in_ld_library_path_shadows_nothing(tmp_path: Path) -> None:
    conda_environment(tmp_path)
    variables = {"CONDA_PREFIX": "/env", "LD_LIBRARY_PATH": "/env/lib"}
    host = HostReader(tmp_path, {"environment": variables})
    environment = probe_environment(host, Loader(host, "x86_64"), None).get()
    assert environment is not None
    assert environment.shadowing == Known((), "LD_LIBRARY_PATH")

from __future__ import annotations

from pathlib import Path

import pytest

from stackcheck.model.fact import Absent, Known, Unknown
from stackcheck.probe.container import probe_container
from stackcheck.probe.host import HostReader
from stackcheck.probe.kernel import probe_module, probe_nodes
from stackcheck.probe.pci import count_nvswitches, probe_pci
from stackcheck.probe.system import steering_variables
from stackcheck.probe.toolkits import probe_toolkits

ADDRESS = "/sys/bus/pci/devices/0000:3b:00.0"


class Tree:
    """A tree under construction."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.given: dict[str, object] = {}

    def put(self, path: str, content: str | bytes = "") -> Tree:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    @property
    def host(self) -> HostReader:
        return HostReader(self.root, {"environment": {}, **self.given})


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def with_gpu(tree: Tree, **changes: str | bytes) -> Tree:
    content: dict[str, str | bytes] = {
        "vendor": "0x10de\n",
        "class": "0x030200\n",
        "device": "0x2330\n",
        "config": b"\xde\x10\x30\x23" + bytes(60),
        "resource": "0x1000 0x1fff 0x0\n0x2000 0x2fff 0x0\n",
        "current_link_width": "16\n",
        **changes,
    }
    for name, text in content.items():
        tree.put(f"{ADDRESS}/{name}", text)
    return tree


def test_a_display_function_of_nvidia_is_listed(tree: Tree) -> None:
    (function,) = probe_pci(with_gpu(tree).host).get() or ()
    assert function.address == "0000:3b:00.0"
    assert function.responds.get() is True
    assert function.bars_assigned.get() is True
    assert function.link_width.get() == 16
    assert function.driver == Absent(f"{ADDRESS}/driver")


@pytest.mark.parametrize(
    "changes", [{"vendor": "0x1002\n"}, {"class": "0x040300\n"}, {"class": "0x0c0330\n"}]
)
def test_other_functions_are_not(tree: Tree, changes: dict[str, str]) -> None:
    assert probe_pci(with_gpu(tree, **changes).host).get() == ()


def test_all_ones_in_the_configuration_space_is_a_function_that_fell_off(tree: Tree) -> None:
    (function,) = probe_pci(with_gpu(tree, config=b"\xff" * 64).host).get() or ()
    assert function.responds.get() is False


def test_a_link_width_that_the_bus_cannot_read_is_unknown(tree: Tree) -> None:
    (function,) = probe_pci(with_gpu(tree, current_link_width="255\n").host).get() or ()
    assert isinstance(function.link_width, Unknown)


def test_a_bar_without_addresses_is_not_assigned(tree: Tree) -> None:
    resource = "0x1000 0x1fff 0x0\n0x0 0x0 0x0\n"
    (function,) = probe_pci(with_gpu(tree, resource=resource).host).get() or ()
    assert function.bars_assigned.get() is False


def test_no_sysfs_is_unknown_and_no_pci_bus_is_none(tree: Tree) -> None:
    assert isinstance(probe_pci(tree.host), Unknown)
    tree.put("/sys/bus/platform/x")
    assert probe_pci(tree.host).get() == ()


def test_nvswitches_are_bridges_or_a_control_node(tree: Tree) -> None:
    with_gpu(tree)
    assert count_nvswitches(tree.host).get() == 0
    tree.put("/sys/bus/pci/devices/0000:05:00.0/vendor", "0x10de\n")
    tree.put("/sys/bus/pci/devices/0000:05:00.0/class", "0x068000\n")
    assert count_nvswitches(tree.host).get() == 1


@pytest.mark.parametrize(
    ("text", "version", "flavour"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\n",
            "535.183.01",
            "proprietary",
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n",
            "580.95.05",
            "open",
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build\n",
            "540.4.0",
            "open",
        ),
    ],
)
def test_reads_version_and_flavour_of_procfs(
    tree: Tree, text: str, version: str, flavour: str
) -> None:
    module = probe_module(tree.put("/proc/driver/nvidia/version", text).host)
    assert str(module.version.get()) == version
    assert module.flavour.get() == flavour


def test_no_module_is_absent_with_sysfs_and_unknown_without(tree: Tree) -> None:
    assert isinstance(probe_module(tree.host).version, Unknown)
    tree.put("/sys/module/nouveau/initstate", "live\n")
    module = probe_module(tree.host)
    assert isinstance(module.version, Absent)
    assert module.nouveau_loaded.get() is True
    assert module.uvm_loaded.get() is False


def test_finds_the_kernels_that_have_a_module(tree: Tree) -> None:
    tree.put("/lib/modules/6.1.0-1/updates/dkms/nvidia.ko.xz")
    tree.put("/lib/modules/6.1.0-2/kernel/drivers/video/backlight.ko")
    assert probe_module(tree.host).built_for.get() == ("6.1.0-1",)


def test_nodes_of_machine_yaml_are_listed_with_their_permissions(tree: Tree) -> None:
    tree.given = {
        "uid": 1000,
        "groups": [1000],
        "nodes": {
            "/dev/nvidia0": {"mode": "0660"},
            "/dev/nvidia-caps/nvidia-cap1": {},
            "/dev/kvm": {},
        },
    }
    nodes = probe_nodes(tree.host).get() or ()
    assert [node.path for node in nodes] == ["/dev/nvidia-caps/nvidia-cap1", "/dev/nvidia0"]
    assert [node.usable.get() for node in nodes] == [True, False]


def test_a_file_in_place_of_a_node_is_unknown(tree: Tree) -> None:
    (node,) = probe_nodes(tree.put("/dev/nvidia0").host).get() or ()
    assert isinstance(node.major, Unknown)


@pytest.mark.parametrize(
    ("path", "text", "engine"),
    [
        ("/.dockerenv", "", "docker"),
        ("/run/.containerenv", 'engine="podman-5"\nimage="docker.io/x:1"\n', "podman"),
        ("/.singularity.d/labels.json", "", "apptainer"),
        ("/proc/1/cgroup", "0::/kubepods.slice/x\n", "kubernetes"),
        ("/proc/1/cgroup", "12:pids:/docker/abc\n", "docker"),
    ],
)
def test_names_the_engine(tree: Tree, path: str, text: str, engine: str) -> None:
    tree.put("/proc/version").put(path, text)
    container = probe_container(tree.host).get()
    assert container is not None
    assert container.engine == engine
    assert container.image.peek() == ("docker.io/x:1" if engine == "podman" else None)


def test_outside_of_a_container_there_is_none(tree: Tree) -> None:
    tree.put("/proc/1/cgroup", "0::/init.scope\n")
    assert isinstance(probe_container(tree.host), Absent)


def test_a_toolkit_reached_in_several_ways_is_listed_once(tree: Tree) -> None:
    tree.put("/usr/local/cuda-12.4/version.json", '{"cuda": {"name": "x", "version": "12.4.1"}}')
    tree.put("/usr/local/cuda-12.4/bin/nvcc", b"\x7fELF")
    (tree.root / "usr/local/cuda").symlink_to("/usr/local/cuda-12.4")
    tree.given = {"environment": {"CUDA_HOME": "/usr/local/cuda", "PATH": "/usr/local/cuda/bin"}}
    (toolkit,) = probe_toolkits(tree.host).get() or ()
    assert str(toolkit.version.get()) == "12.4.1"
    assert toolkit.chosen_by == "CUDA_HOME, PATH, /usr/local"


@pytest.mark.parametrize(
    ("file", "text", "version"),
    [
        ("version.txt", "CUDA Version 10.2.89\n", "10.2.89"),
        ("include/cuda.h", "#define CUDA_VERSION 11080\n", "11.8"),
        ("version.json", "{}", None),
        ("other", "", None),
    ],
)
def test_older_toolkits_name_their_version_elsewhere(
    tree: Tree, file: str, text: str, version: str | None
) -> None:
    tree.put(f"/usr/local/cuda-x/{file}", text).given = {
        "environment": {"CUDA_PATH": "/usr/local/cuda-x"}
    }
    (toolkit,) = probe_toolkits(tree.host).get() or ()
    assert (str(toolkit.version.peek()) if version else toolkit.version.state) == (
        version or "unknown"
    )


def test_a_wrapper_of_nvcc_leads_to_its_toolkit(tree: Tree) -> None:
    tree.put("/usr/local/bin/nvcc", '#!/bin/sh\nexec /opt/cuda/bin/nvcc "$@"\n')
    tree.put("/opt/cuda/bin/nvcc", b"\x7fELF")
    tree.given = {"environment": {"PATH": "/usr/local/bin"}}
    (toolkit,) = probe_toolkits(tree.host).get() or ()
    assert toolkit.path == "/opt/cuda"


def test_a_home_that_is_gone_is_a_toolkit_without_version(tree: Tree) -> None:
    tree.given = {"environment": {"CUDA_HOME": "/opt/gone"}}
    (toolkit,) = probe_toolkits(tree.host).get() or ()
    assert toolkit.version == Absent("/opt/gone")


def test_no_secret_is_among_the_variables() -> None:
    variables = {
        "CUDA_VISIBLE_DEVICES": "0",
        "NVIDIA_API_KEY": "nvapi-1",
        "SLURM_JWT": "x",
        "TF_VAR_password": "x",
        "CONDA_TOKEN": "x",
        "HF_TOKEN": "x",
    }
    assert steering_variables(variables) == {"CUDA_VISIBLE_DEVICES": "0"}


def test_a_known_value_names_where_it_came_from(tree: Tree) -> None:
    version = probe_module(tree.put("/sys/module/nvidia/version", "580.95.05\n").host).version
    assert version == Known(version.get(), "/sys/module/nvidia/version")

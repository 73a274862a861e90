from __future__ import annotations

import pytest

from stackcheck.model.fact import Undecided
from stackcheck.rules.scope import (
    NotApplicable,
    container_of,
    distributions_of,
    environment_of,
    gpus_of,
    has_nvidia_gpu,
    require_module,
    require_platform,
)
from tests.stackcheck.sketch import (
    ABSENT,
    UNKNOWN,
    changed,
    healthy,
    in_container,
    jetson,
    with_distributions,
    without_gpu,
    wsl,
)


@pytest.mark.parametrize("machine", [healthy(), wsl(), jetson(), changed(healthy(), gpus=UNKNOWN)])
def test_a_gpu_is_seen_by_nvml_bus_or_platform(machine):
    assert has_nvidia_gpu(machine)


@pytest.mark.parametrize(
    "machine",
    [
        without_gpu(),
        without_gpu(host__platform="macos", pci=UNKNOWN),
        changed(wsl(), gpus=UNKNOWN, driver__nodes=()),
        without_gpu(host__platform="windows", pci=UNKNOWN),
    ],
    ids=["linux", "macos", "wsl", "windows"],
)
def test_its_absence_is_known_where_the_source_says_so(machine):
    assert not has_nvidia_gpu(machine)


def test_a_bus_that_cannot_be_read_decides_nothing():
    with pytest.raises(Undecided):
        has_nvidia_gpu(without_gpu(pci=UNKNOWN))


def test_what_is_not_here_does_not_apply():
    with pytest.raises(NotApplicable, match="no NVIDIA GPU"):
        gpus_of(without_gpu())
    with pytest.raises(NotApplicable, match="not in a container"):
        container_of(healthy())
    with pytest.raises(NotApplicable, match="not loaded"):
        require_module(changed(healthy(), driver__module__version=ABSENT))
    with pytest.raises(NotApplicable, match="this is linux"):
        require_platform(healthy(), "wsl2", "jetson")
    with pytest.raises(NotApplicable, match="no Python environment"):
        environment_of(changed(healthy(), environment=ABSENT))


def test_what_is_here_is_returned():
    assert len(gpus_of(healthy(4))) == 4
    assert container_of(in_container(healthy(), "podman")).engine == "podman"
    machine = with_distributions(healthy(), "numpy==2.3.0")
    assert distributions_of(machine)["numpy"].version == "2.3.0"

from __future__ import annotations

import warnings

import pytest
import stackgrad

torch = pytest.importorskip("torch", reason="PyTorch, the oracle, is not installed")
pytest.importorskip("expecttest", reason="PyTorch's test data need expecttest")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_modules import module_db

    from tests.engine import module_oracle

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

OURS = {
    info.module_cls.__name__: (info, getattr(stackgrad.nn, info.module_cls.__name__))
    for info in module_db
    if hasattr(stackgrad.nn, info.module_cls.__name__)
}


@pytest.mark.parametrize("name", OURS)
def test_a_module_has_pytorchs_state_outputs_and_gradients(name):
    faults = [f"{what}: {fault}" for what, fault in module_oracle.mismatches(*OURS[name]) if fault]
    assert not faults, "\n".join(faults[:5])


def test_nearly_all_of_pytorchs_modules_are_there():
    assert len(OURS) >= len(module_db) - 12

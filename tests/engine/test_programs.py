from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"
ENGINE = Path(importlib.util.find_spec("stackgrad").origin).parents[1]


def losses_of(library, program, tmp_path, steps=10_000, *arguments):
    """Run a program in a process of its own; return the losses that it called backward() on."""
    file = tmp_path / f"{library}.json"
    command = [
        sys.executable,
        PROGRAMS / "stage.py",
        library,
        file,
        str(steps),
        program,
        *arguments,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ENGINE)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(file.read_text())


def test_programs_written_for_pytorch_run_unchanged(tmp_path):
    losses = losses_of("stackgrad", PROGRAMS / "small.py", tmp_path)
    assert len(losses) == 46
    assert all(math.isfinite(loss) for loss in losses)


@pytest.mark.oracle
def test_their_losses_are_pytorchs(tmp_path):
    pytest.importorskip("torch", reason="PyTorch, the oracle, is not installed")
    ours, theirs = (
        losses_of(library, PROGRAMS / "small.py", tmp_path) for library in ("stackgrad", "torch")
    )
    assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-6)


def test_an_impersonated_part_that_is_missing_names_itself(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import torch, torch.onnx\n"
        "assert torch.__version__.startswith('2.')\n"
        "try:\n    torch.onnx.export(None)\n"
        "except AttributeError as error:\n    assert 'torch.onnx.export' in str(error)\n"
        "try:\n    from torch.utils.cpp_extension import load\n"
        "except ImportError as error:\n    assert 'load' in str(error)\n"
        "torch.ones(1, requires_grad=True).backward()\n"
    )
    assert losses_of("stackgrad", program, tmp_path) == [1.0]

from __future__ import annotations

import json
import subprocess
import sys
from textwrap import dedent

import pytest

from tests.stackcheck.smoke import plants

# What a damaged PyTorch does when it is imported; each file stands where the package would
MISSING_LIBRARY = """
    raise ImportError("libcudart.so.12: cannot open shared object file: No such file or directory")
"""
NOISY = """
    import os
    print("WARNING: all log messages before absl::InitializeLog() is called")
    os.write(1, b"{}\\n")
    raise RuntimeError("compiled with NumPy 1.x\\nand more lines")
"""
CRASHING = """
    import os, signal
    os.kill(os.getpid(), signal.SIGSEGV)
"""
ILLEGAL = """
    import os, signal, sys
    sys.stderr.write("loading kernels\\n")
    os.kill(os.getpid(), signal.SIGILL)
"""
HANGING = """
    import time
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(
    ("damage", "message", "explanation"),
    [
        (
            MISSING_LIBRARY,
            "ImportError: libcudart.so.12: cannot open shared object file: No such file or directory",
            "TK-03",
        ),
        (NOISY, "RuntimeError: compiled with NumPy 1.x", ""),
        (CRASHING, "the process was killed by SIGSEGV", ""),
        (ILLEGAL, "the process was killed by SIGILL (loading kernels)", "CPU lacks (AVX, say)"),
        (HANGING, "gave no answer until its deadline and was ended", ""),
    ],
    ids=["missing library", "noisy", "crashing", "illegal instruction", "hanging"],
)
def test_a_framework_that_breaks_on_import_is_an_error_of_the_framework(
    tmp_path, damage, message, explanation
):
    environment = plants.plant(tmp_path, "")
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text(dedent(damage))
    command = (
        sys.executable,
        "-m",
        "stackcheck",
        "train-smoke",
        "--device",
        "cpu",
        "--task",
        "mlp",
        "--json",
    )
    against = ("--env", sys.executable, "--against", "torch", "--timeout", "10")
    done = subprocess.run(
        [*command, *against],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    document = json.loads(done.stdout)
    (result,) = document["parity"]
    assert (done.returncode, document["failing_layer"]) == (1, "framework")
    assert (result["status"], result["message"]) == ("error", message)
    assert explanation in result["explanation"]
    assert all(stage["status"] == "ok" for stage in document["stages"])

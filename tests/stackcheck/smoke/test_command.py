from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.stackcheck.smoke import plants

COMMAND = (sys.executable, "-m", "stackcheck", "train-smoke")


@pytest.fixture
def environment(tmp_path):
    return {**plants.plant(tmp_path, ""), "STACKCHECK_SYSROOT": str(tmp_path / "root")}


def smoke(environment, *arguments):
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_document_has_what_the_contract_promises(environment):
    done = smoke(environment, "--device", "cpu", "--task", "mlp", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "stackcheck.train-smoke/1"
    assert (document["status"], document["device"], document["level"]) == ("ok", "cpu", "quick")
    stage = {
        "name",
        "layer",
        "status",
        "value",
        "unit",
        "reference",
        "share_of_reference",
        "seconds",
    }
    assert all(stage <= set(found) for found in document["stages"])
    task = {"task", "loss_first", "loss_last", "accuracy", "steps_per_second", "gradient_check"}
    assert [found["task"] for found in document["tasks"]] == ["mlp"]
    assert task <= set(document["tasks"][0])
    assert document["tasks"][0]["loss_last"] < document["tasks"][0]["loss_first"] / 2
    assert document["parity"] == []


def test_text_shows_every_stage_and_an_ascii_curve_without_a_terminal(environment):
    done = smoke(environment, "--device", "cpu", "--task", "mlp")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^  ok +gradients ", done.stdout, re.MULTILINE)
    assert "0.000 |" in done.stdout
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout


def test_the_same_seed_gives_the_same_losses_and_another_gives_others(environment):
    losses = []
    for seed in ("3", "3", "4"):
        done = smoke(environment, "--device", "cpu", "--task", "mlp", "--seed", seed, "--json")
        losses.append(json.loads(done.stdout)["tasks"][0]["losses"])
    assert losses[0] == losses[1] != losses[2]


def test_html_is_one_page_with_a_curve(environment, tmp_path):
    page = tmp_path / "report.html"
    done = smoke(
        environment, "--device", "cpu", "--task", "mlp", "--format", "html", "--output", str(page)
    )
    assert (done.returncode, done.stdout) == (0, "")
    text = page.read_text()
    assert "<polyline" in text
    assert not re.search(r"(src|href)=", text)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_a_terminal_gets_braille_curves_and_live_losses(environment):
    import pty

    ours, theirs = pty.openpty()
    environment |= {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    command = (*COMMAND, "--device", "cpu", "--task", "transformer")
    with subprocess.Popen(command, env=environment, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how Linux says that the other side is closed
            while chunk := os.read(ours, 1 << 16):
                shown += chunk
        os.close(ours)
    text = re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert process.returncode == 0
    assert re.search(r"train transformer.*loss \d\.\d{4}  \d+ steps/s", text)
    assert re.search("[\u2801-\u28ff]{5}", text)


@pytest.fixture
def gpu_tree(tmp_path):
    device = tmp_path / "root/sys/bus/pci/devices/0000:01:00.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text("0x10de\n")
    (device / "class").write_text("0x030200\n")
    version = tmp_path / "root/sys/module/nvidia/version"
    version.parent.mkdir(parents=True)
    version.write_text("570.133.20\n")


@pytest.mark.usefixtures("gpu_tree")
def test_a_machine_with_a_gpu_is_never_well_on_the_cpu(environment):
    done = smoke(environment, "--task", "mlp", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["status"], document["device"]) == (3, "unknown", "cpu")
    assert any("pip install 'stackcheck[cuda12]'" in note for note in document["notes"])


@pytest.mark.usefixtures("gpu_tree")
def test_a_gpu_that_was_asked_for_and_cannot_be_used_is_unknown_and_says_what_to_install(
    environment,
):
    done = smoke(environment, "--device", "cuda", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["status"], document["tasks"]) == (3, "unknown", [])
    assert "stackcheck[cuda12]" in document["stages"][0]["message"]


def test_the_cpu_alone_is_well_on_a_machine_without_a_gpu(environment):
    assert smoke(environment, "--device", "auto", "--task", "mlp").returncode == 0


def test_a_broken_numpy_is_a_failure_of_the_engine_and_no_traceback(environment, tmp_path):
    fault = """
        import sys
        class Refuse:
            def find_spec(self, name, path, target=None):
                if name == "numpy":
                    raise ImportError("libopenblas.so.0: cannot open shared object file")
        sys.meta_path.insert(0, Refuse())
    """
    plants.plant(tmp_path, fault)
    done = smoke(environment, "--device", "cpu")
    assert done.returncode == 1
    assert "ImportError: libopenblas.so.0: cannot open shared object file" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "faults"),
    [
        (["--level", "fast", "--task", "mpl"], ["--level fast", "--task mpl"]),
        (["--device", "gpu"], ["--device gpu"]),
        (["--device", "cuda"], ["no NVIDIA GPU"]),
        (["--env", "/nowhere"], ["--against"]),
        (["--env", "/nowhere", "--against", "torch"], ["/nowhere"]),
        (["--env", sys.executable, "--against", "mxnett"], ["--against mxnett"]),
        (["--seconds", "5"], ["--level long"]),
        (["--baseline", "/nowhere.json"], ["/nowhere.json"]),
        (["--json", "--format", "html"], ["--json contradicts"]),
        (["--bootstrap", "--device", "cpu"], ["--bootstrap"]),
    ],
)
def test_wrong_usage_ends_with_two_and_names_every_fault(environment, arguments, faults):
    done = smoke(environment, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert all(fault in done.stderr for fault in faults)
    assert "Traceback" not in done.stderr


def test_without_env_the_active_environment_is_taken_and_named(environment, tmp_path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    environment |= {"VIRTUAL_ENV": str(bare)}
    environment.pop("PYTHONPATH")
    program = (
        f"import sys; sys.path[:0] = {list(map(str, plants.PACKAGES))};"
        "from stackcheck.__main__ import main; main()"
    )
    command = [sys.executable, "-c", program, "train-smoke", "--against", "torch"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.search(rf"--against torch: torch and numpy not installed in {bare}", done.stderr)
    assert "--env" in done.stderr


def test_a_malformed_baseline_names_every_wrong_rate(environment, tmp_path):
    wrong = {"schema": "stackcheck.train-smoke/1", "stages": [{"rates": {"a": -1, "b": "fast"}}]}
    (tmp_path / "baseline.json").write_text(json.dumps(wrong))
    done = smoke(environment, "--baseline", str(tmp_path / "baseline.json"))
    assert done.returncode == 2
    assert "rates['a'] is -1" in done.stderr
    assert "rates['b'] is 'fast'" in done.stderr


def test_a_baseline_that_was_far_faster_fails_the_run(environment, tmp_path):
    fast = {"schema": "stackcheck.train-smoke/1", "stages": [{"rates": {"mlp steps/s": 1e9}}]}
    (tmp_path / "baseline.json").write_text(json.dumps(fast))
    done = smoke(
        environment,
        "--device",
        "cpu",
        "--task",
        "mlp",
        "--json",
        "--baseline",
        str(tmp_path / "baseline.json"),
    )
    assert done.returncode == 1
    baseline = json.loads(done.stdout)["stages"][-1]
    assert (baseline["name"], baseline["status"]) == ("baseline", "error")
    assert "mlp steps/s" in baseline["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_the_command_ends_no_process_stays_behind(tmp_path, ending):
    fault = f"""
        import os, pathlib, sys, time
        from stackgrad.nn import functional
        def hang(*given, **settings):
            pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(os.getpid()))
            time.sleep(600)
        functional.conv2d = hang
    """
    environment = plants.plant(tmp_path, fault)
    command = subprocess.Popen(
        [*COMMAND, "--device", "cpu"], env=environment, stderr=subprocess.PIPE, text=True
    )
    pid = int(wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    command.send_signal(ending)
    _, complaints = command.communicate(timeout=60)
    assert "Traceback" not in complaints
    assert wait_for(lambda: not is_alive(pid))


def wait_for(condition):
    for _ in range(600):
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen within a minute")


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().split()[2] != "Z"

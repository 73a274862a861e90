from __future__ import annotations

import json
import re

from stackcheck.diagnose.examination import own_rules
from stackcheck.diagnose.runner import diagnose
from stackcheck.probe.machine import probe_machine
from stackcheck.render.document import doctor_document
from stackcheck.render.redaction import redact
from tests.stackcheck.sketch import (
    GPU_UUID,
    changed,
    environment,
    healthy,
    situation,
    with_gpu,
    with_variables,
)

NAMED = with_variables(
    changed(
        healthy(),
        host__hostname="gpunode07.example.org",
        environment=environment(prefix="/home/annabel/envs/torch"),
    ),
    HOME="/home/annabel",
    SLURMD_NODENAME="gpunode07",
    CUDA_VISIBLE_DEVICES="GPU-99999999-1111-2222-3333-444444444444",
)


def document(machine, *, redacted=True):
    diagnosis = diagnose(situation(machine), own_rules())
    return doctor_document(redact(diagnosis) if redacted else diagnosis)


def keys(value):
    if isinstance(value, dict):
        return {key: keys(entry) for key, entry in value.items()}
    return [keys(entry) for entry in value] if isinstance(value, list) else None


def test_names_hosts_serials_and_uuids_are_gone():
    before, text = json.dumps(document(NAMED, redacted=False)), json.dumps(document(NAMED))
    for secret in ("annabel", "gpunode07", "1650123456789", GPU_UUID[4:], "99999999-1111"):
        assert secret in before
        assert secret not in text


def test_no_key_changes():
    before, after = document(NAMED, redacted=False), document(NAMED)
    assert keys({**before, "checks": []}) == keys({**after, "checks": []})


def test_not_even_a_key_of_a_probed_machine_names_its_user(machine_tree):
    machine_tree("h100-nvswitch")
    machine = probe_machine()
    assert "/home/ada" in json.dumps(document(machine, redacted=False))
    assert re.findall(r"\bada\b", json.dumps(document(machine))) == []


def test_what_tells_the_fault_stays():
    finding = document(NAMED)["findings"][0]
    assert finding["code"] == "VS-01"
    assert "GPU-REDACTED" in finding["title"]
    assert "/home/REDACTED/envs/torch" in json.dumps(document(NAMED)["target"])


def test_the_word_root_is_nobodys_name():
    machine = with_variables(healthy(), HOME="/root", USER="root")
    text = json.dumps(document(with_gpu(machine, ecc__remap_failed=True)))
    assert "needs_root" in text
    assert "REDACTED" not in json.dumps(document(machine)["machine"]["driver"])


def test_a_host_that_is_called_like_a_word_of_ours_spoils_nothing():
    for name in ("error", "known", "linux", "gpu"):
        machine = changed(NAMED, host__hostname=name)
        redacted = document(machine)
        assert redacted["status"] == "error"
        assert redacted["findings"][0]["severity"] == "error"
        assert redacted["machine"]["pci"]["state"] == "known"
        assert redacted["machine"]["host"]["platform"]["value"] == "linux"

from __future__ import annotations

import io
import json
import math
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from stackcheck.errors import InputError
from stackcheck.model.smoke import PaceResult, ParityResult, SmokeReport, StageResult, TaskResult
from stackcheck.smoke.console import print_report
from stackcheck.smoke.curve import draw_curve
from stackcheck.smoke.document import compare_rates, list_rates, read_baseline, to_document
from stackcheck.smoke.history import HISTORY_FILE, recall_rates, record_rates
from stackcheck.smoke.page import render_page

REPORT = SmokeReport(
    "error",
    "cpu",
    "quick",
    (
        StageResult(
            "matrix product",
            "blas",
            "error",
            math.inf,
            "rounding units",
            8.0,
            math.inf,
            0.1,
            message="<b> & co",
        ),
        StageResult(
            "train mlp",
            "training",
            "error",
            0.7,
            "of first loss",
            0.5,
            1.4,
            0.2,
            rates={"mlp steps/s": 99.0},
        ),
    ),
    (TaskResult("mlp", 2.3, 0.2, 0.93, 99.0, "ok", "digits", 3, 64, (2.3, 1.0, 0.2)),),
    (
        ParityResult(
            "torch",
            "mlp",
            "eager",
            3,
            0.5,
            "error",
            "2.9.0",
            "cpu",
            "fc1.weight[3, 5] is 1",
            1e-4,
            10,
        ),
    ),
    (
        PaceResult("stackgrad", "cpu", "eager", "mlp", "ok", 0.01, 0.004, 50 << 20, 1.0, 0.93, 10),
        PaceResult("torch 2.9.0", "cpu", "eager", "mlp", "error", message="no <torch>"),
    ),
    "blas",
    ("memory was short",),
)


def test_the_document_is_strict_json_without_infinities():
    text = json.dumps(to_document(REPORT), allow_nan=False)
    assert json.loads(text)["stages"][0]["value"] is None


def test_text_names_the_cause_and_its_likely_consequences():
    text = io.StringIO()
    print_report(REPORT, Console(file=text, width=120))
    assert "the layer that fails is blas" in text.getvalue()
    assert "it may be why these fail too: train mlp" in text.getvalue()
    assert "blas: <b> & co" in text.getvalue()


def test_text_lines_the_one_table_up_and_says_what_is_not_known():
    text = io.StringIO()
    print_report(REPORT, Console(file=text, width=120))
    rows = re.findall(r"^  (?:task|mlp) .*$", text.getvalue(), re.MULTILINE)
    assert [row.split() for row in rows[-2:]] == [
        ["mlp", "stackgrad", "cpu", "10.00", "4.00", "50", "1.00", "0.930"],
        ["mlp", "torch", "2.9.0", "cpu", "-", "-", "-", "-", "-"],
    ]
    assert len({len(row.rstrip()) for row in rows[-3:]}) == 1
    assert "no <torch>" in text.getvalue()


def test_the_page_escapes_what_libraries_say_and_is_well_formed():
    page = render_page(REPORT)
    assert "&lt;b&gt; &amp; co" in page
    open_tags: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag, _):
            if tag not in {"meta", "br", "polyline"}:
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Checker().feed(page.replace("<polyline", "<br").replace("/>", ">"))
    assert open_tags == []
    assert len(re.findall(r"[\d.]+,[\d.]+", page)) == 3


@pytest.mark.parametrize("braille", [True, False])
def test_a_falling_curve_falls_from_the_top_left_to_the_bottom_right(braille):
    lines = draw_curve([4, 3, 2, 1, 0], 10, 4, braille=braille)
    empty = "\u2800" if braille else " "
    assert len(lines) == 4
    first = [
        next(row for row in range(4) if lines[row].ljust(10, empty)[column] != empty)
        for column in range(10)
    ]
    assert first == sorted(first)
    assert (first[0], first[-1]) == (0, 3)


def test_a_curve_leaves_out_what_is_no_number():
    assert "".join(draw_curve([math.nan, math.inf, math.nan], 5, 2, braille=False)).strip() == ""
    assert draw_curve([], 5, 2, braille=True) == ["\u2800" * 5] * 2


def test_rates_below_the_share_are_named_and_others_are_not():
    slower = compare_rates(
        {"a": 50.0, "b": 90.0, "new": 1.0}, {"a": 100.0, "b": 100.0, "gone": 1.0}, 0.75
    )
    assert slower == ["a is 50, 50% of the 100 before"]


def test_a_report_can_be_the_baseline_of_the_next(tmp_path):
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"schema": "stackcheck.train-smoke/1", **to_document(REPORT)}))
    assert read_baseline(path) == list_rates(REPORT.stages) == {"mlp steps/s": 99.0}


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"schema": "stackcheck.doctor/1"}', '{"schema": "stackcheck.train-smoke/1"}'],
)
def test_what_is_no_report_is_refused_as_a_baseline(tmp_path, text):
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(str(path))):
        read_baseline(path)


def test_the_history_recalls_the_median_of_the_last_five_runs_of_this_kind(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKCHECK_STATE_DIR", str(tmp_path / "state"))
    assert recall_rates("cpu", "quick") == {}
    for rate in (1000, 10, 20, 30, 40, 50):
        record_rates("cpu", "quick", {"a": rate})
    record_rates("cpu", "short", {"a": 7})
    record_rates("cuda:0", "quick", {"a": 8})
    assert recall_rates("cpu", "quick") == {"a": 30.0}


def test_a_damaged_line_of_the_history_costs_one_run(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKCHECK_STATE_DIR", str(tmp_path))
    record_rates("cpu", "quick", {"a": 10})
    path = tmp_path / HISTORY_FILE
    path.write_text("[1, 2]\n" + path.read_text() + '{"host": "x", "dev')
    assert recall_rates("cpu", "quick") == {"a": 10.0}


def test_a_history_that_cannot_be_written_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STACKCHECK_STATE_DIR", str(tmp_path / "file"))
    record_rates("cpu", "quick", {"a": 10})
    assert recall_rates("cpu", "quick") == {}

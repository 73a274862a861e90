from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from stackcheck.diagnose.examination import own_rules
from stackcheck.diagnose.runner import diagnose
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.render.html import render_html
from stackcheck.render.junit import render_junit
from stackcheck.render.lines import render_github, render_prometheus, render_reason
from stackcheck.render.markdown import render_markdown
from stackcheck.render.text import Palette, render_text
from stackcheck.rules.rule import MachineRule
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    healthy,
    in_container,
    situation,
    with_builds,
    with_variables,
    without_gpu,
)


def judged(machine, *extra):
    return diagnose(situation(machine), (*own_rules(), *extra))


WELL = judged(with_builds(healthy(2), "torch==2.9.0+cu128"))
MISMATCH = judged(
    changed(healthy(), driver__module__version="575.57.08", driver__nvml_code=18, gpus=UNKNOWN)
)
NASTY = judged(
    with_variables(healthy(), CUDA_VISIBLE_DEVICES="<script>alert('&\"|`::%\n\x07')</script>")
)
CRASHING = MachineRule(
    code="KM-99",
    reason="other",
    layer="kernel",
    title="a rule that crashes",
    explanation="of the tests",
    source="tests",
    judge=lambda _: {}["secret"],
)
EVERY = {"well": WELL, "mismatch": MISMATCH, "nasty": NASTY, "no GPU": judged(without_gpu())}


def test_a_healthy_machine_takes_few_lines():
    text = render_text(WELL)
    assert len(text.splitlines()) <= 12
    assert "2 x NVIDIA H100 80GB HBM3 (9.0)" in text
    assert "pytorch 2.9.0+cu128" in text
    assert text.rstrip().splitlines()[-1].startswith("no problem found")


def test_a_finding_has_evidence_cause_consequences_and_the_fix_as_a_command():
    text = render_text(MISMATCH)
    assert "error[KM-05]: kernel module is 575.57.08, user-mode library is 580.95.05" in text
    assert re.search(r"loaded nvidia module\s+575\.57\.08\s+\[test\]", text)
    assert "so also DR-11" in text
    assert "hint: Reboot" in text
    assert "\n    sudo reboot\n" in text
    assert "then verify: nvidia-smi" in text
    assert "`stackcheck explain KM-05`" in text


def test_what_could_not_be_judged_is_grouped_by_the_fact():
    text = render_text(MISMATCH)
    assert text.count("nobody could tell") == 1
    assert re.search(r"HW-02, .* more\)", text, re.DOTALL)


@pytest.mark.parametrize("name", EVERY)
def test_text_keeps_to_eighty_columns_without_colour_or_odd_letters(name):
    for line in render_text(EVERY[name]).splitlines():
        assert len(line) <= 80 or line.startswith("    "), line
        assert line.isascii()
        assert "\x1b" not in line


def test_colours_and_glyphs_are_for_terminals():
    text = render_text(WELL, palette=Palette(colour=True, unicode=True))
    assert "\x1b[" in text
    assert "✓" in text


def test_a_crash_shows_its_traceback_only_to_those_who_ask_twice():
    crashed = judged(healthy(), CRASHING)
    assert "crashed[KM-99]: KeyError: 'secret'" in render_text(crashed)
    assert "Traceback" not in render_text(crashed, verbose=1)
    assert "Traceback" in render_text(crashed, verbose=2)


def test_information_takes_two_lines():
    lines = render_text(EVERY["no GPU"]).splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("info[HW-01]"))
    assert lines[start + 2] == ""


def test_a_container_is_said_to_be_one():
    assert "in a docker container" in render_text(judged(in_container(healthy())))


def test_junit_counts_and_never_passes_what_is_unknown():
    suite = ET.fromstring(render_junit(MISMATCH))
    cases = {case.get("name").split()[0]: case for case in suite}
    assert len(cases) == len(MISMATCH.checks) == int(suite.get("tests"))
    assert cases["KM-05"].find("failure").get("type") == "nvml-driver-library-mismatch"
    assert "KM-05" in cases["DR-11"].find("skipped").get("message")
    assert cases["HW-02"].find("error").get("type") == "unknown"
    assert int(suite.get("failures")) == len(suite.findall("*/failure")) == 1
    assert int(suite.get("errors")) == len(suite.findall("*/error"))


@pytest.mark.parametrize("name", EVERY)
def test_junit_is_well_formed_whatever_is_in_it(name):
    assert ET.fromstring(render_junit(EVERY[name])).tag == "testsuite"


def test_github_commands_are_one_line_each():
    lines = render_github(NASTY).splitlines()
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines)
    assert lines[0].startswith("::error title=StackCheck VS-01::CUDA_VISIBLE_DEVICES=")
    assert "%25" in lines[0]


def test_github_is_silent_when_well():
    assert render_github(WELL) == ""


def test_the_reason_is_one_line():
    assert render_reason(WELL) == "ok\n"
    reason = render_reason(MISMATCH)
    assert reason.startswith("error KM-05 nvml-driver-library-mismatch: kernel module is 575.57.08")
    assert reason.count("\n") == 1
    assert render_reason(NASTY).count("\n") == 1
    undecided = judged(changed(healthy(), driver__module__flavour=UNKNOWN))
    assert render_reason(undecided).startswith("unknown KM-06: test: nobody could tell")


def test_prometheus_has_one_status_that_holds_and_a_line_per_finding():
    text = render_prometheus(MISMATCH)
    assert re.findall(r'stackcheck_status\{status="(\w+)"\} 1', text) == ["error"]
    assert 'stackcheck_finding{code="KM-05",reason="nvml-driver-library-mismatch"' in text
    for line in text.splitlines():
        assert re.fullmatch(r'# .*|\w+(\{(\w+="([^"\\]|\\.)*",?)*\})? [\d.]+', line), line


def test_markdown_shows_the_finding_open_and_the_rest_folded():
    text = render_markdown(MISMATCH)
    assert "### error KM-05: kernel module is 575.57.08" in text
    assert "```sh\nsudo reboot\n" in text
    assert text.index("<details>") > text.index("KM-05")


def test_markdown_escapes_what_would_be_markup():
    text = render_markdown(NASTY)
    assert "<script>" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 4 for row in rows)


class Page(HTMLParser):
    """Collects tags, what they would fetch, and whether they are closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.fetched, self.open, self.texts = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.fetched += [
            value for name, value in attrs if name in ("src", "href", "srcset", "data")
        ]
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("name", EVERY)
def test_the_page_is_whole_and_fetches_nothing(name):
    text = render_html(EVERY[name])
    page = Page(text)
    assert page.open == []
    assert page.fetched == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "url(" not in text
    assert "@import" not in text


def test_the_page_reads_on_a_phone_and_in_the_dark():
    text = render_html(WELL)
    assert 'name="viewport" content="width=device-width' in text
    assert "prefers-color-scheme: dark" in text


def test_the_picture_has_a_box_for_each_layer_with_the_gpu_at_the_bottom():
    text = render_html(WELL)
    boxes = re.findall(
        r'<g class="box (\w+)" transform="translate\(0 (\d+)\)"><title>([^:]+):', text
    )
    names = [label for _, _, label in boxes]
    assert names[0] == "GPU"
    assert names[-1] == "Python"
    heights = [int(top) for _, top, _ in boxes]
    assert heights == sorted(heights, reverse=True)
    assert {status for status, _, _ in boxes} == {"ok"}


def test_the_page_shows_every_finding_in_full():
    texts = " ".join(Page(render_html(MISMATCH)).texts)
    finding = MISMATCH.findings[0]
    for part in (finding.title, finding.cause, finding.verify, *finding.fix.commands):
        assert part in texts


def test_a_finding_without_fix_and_evidence_is_still_readable():
    bare = Finding("XX-01", "other", "warning", "site", "something is odd")
    rule = MachineRule(
        code="XX-01",
        reason="other",
        layer="site",
        title="odd",
        explanation="e",
        source="s",
        judge=lambda _: bare,
    )
    diagnosis = judged(healthy(), rule)
    for render in (render_text, render_markdown, render_html, render_junit, render_github):
        assert "something is odd" in render(diagnosis)


def test_long_evidence_is_wrapped_and_commands_are_not():
    command = "sudo " + "x" * 200
    long = Finding(
        "XX-02",
        "other",
        "error",
        "site",
        "t" * 5,
        (Evidence("what", "word " * 60, "where"),),
        fix=Fix("do", (command,)),
    )
    rule = MachineRule(
        code="XX-02",
        reason="other",
        layer="site",
        title="long",
        explanation="e",
        source="s",
        judge=lambda _: long,
    )
    assert f"    {command}\n" in render_text(judged(healthy(), rule))

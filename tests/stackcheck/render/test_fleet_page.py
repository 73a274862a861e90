"""The fleet's page in a real browser, where there is one."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from stackcheck.fleet.drift import find_drift
from stackcheck.fleet.node import Node
from stackcheck.model.finding import Finding, Fix
from stackcheck.render.fleet_page import render_fleet_page
from stackcheck.render.node_names import fold_names, natural_key

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
PHONE = 360
MEASURE = """
const frame = document.querySelector('iframe');
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  page.querySelector('details').open = true;
  document.body.dataset.found = JSON.stringify({
    width: root.scrollWidth, fetched: frame.contentWindow.performance.getEntriesByType('resource').length,
    tiles: page.querySelectorAll('.tiles a').length,
    colours: new Set([...page.querySelectorAll('.tiles a')].map(tile =>
      frame.contentWindow.getComputedStyle(tile).backgroundColor)).size,
    right: Math.max(...[...page.querySelectorAll('.tiles a, td, th, article')].map(
      each => each.getBoundingClientRect().right)),
    page: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
    ink: frame.contentWindow.getComputedStyle(page.body).color,
  });
};
"""
MISMATCH = Finding(
    "KM-05",
    "nvml-driver-library-mismatch",
    "error",
    "kernel",
    "kernel module is 575.57.08, user-mode library is 580.95.05 <script>alert(1)</script>",
    fix=Fix("Reboot", ("sudo reboot",)),
)


def fleet():
    facts = {"driver": "580.95.05", "GPUs": "8 x NVIDIA H100 80GB HBM3"}
    nodes = [Node(f"rack1-n{index:03}", "ok", 30, facts=facts) for index in range(200)]
    nodes += [
        Node("rack2-n001", "findings", 30, (MISMATCH,), facts={**facts, "driver": "575.57.08"}),
        Node("rack2-n002", "down", detail="drained: fan | loud"),
        Node("rack2-n003", "timeout", detail="no end within 60 s"),
        Node("a-node-with-a-very-long-name-that-has-no-place-to-break.cluster.example.org", "busy"),
    ]
    return nodes


@pytest.fixture(scope="module")
def page():
    nodes = fleet()
    return render_fleet_page(nodes, find_drift(nodes), "error")


def test_every_node_is_in_the_page_and_nothing_of_it_is_markup(page):
    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.tags, self.text = [], ""

        def handle_starttag(self, tag, _attributes):
            self.tags.append(tag)

        def handle_data(self, data):
            self.text += data

    reader = Reader()
    reader.feed(page)
    assert "script" not in reader.tags
    assert "link" not in reader.tags
    assert all(node.name in reader.text for node in fleet())
    assert "rack2-n002: down" in reader.text
    assert "drained: fan | loud" in reader.text


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium or Chrome")
@pytest.mark.parametrize("scheme", [0, 1], ids=["dark", "light"])
def test_it_fits_a_phone_fetches_nothing_and_follows_the_colour_scheme(page, tmp_path, scheme):
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<body><iframe width="{PHONE}" height="700" style="border:0" srcdoc="{html.escape(page)}"></iframe>'
        f"<script>{MEASURE}</script>",
        encoding="utf-8",
    )
    done = subprocess.run(
        [
            *(BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu"),
            f"--blink-settings=preferredColorScheme={scheme}",
            *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000"),
            *("--dump-dom", outer.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'data-found="([^"]*)"', done.stdout)
    assert found, done.stdout[-500:]
    measured = json.loads(html.unescape(found[1]))
    assert measured["width"] <= PHONE
    assert measured["right"] <= PHONE
    assert measured["fetched"] == 0
    assert (measured["tiles"], measured["colours"]) == (204, 3)
    page_light, ink_light = (
        sum(map(int, re.findall(r"\d+", measured[name])[:3])) for name in ("page", "ink")
    )
    assert (page_light > ink_light) is bool(scheme)


def test_many_tiles_are_left_out_and_the_table_has_every_node():
    nodes = [Node(f"n{index}", "ok") for index in range(3000)]
    text = render_fleet_page(nodes, (), "ok")
    assert 'class="tiles"' not in text
    assert text.count("<tr id=") == 3000


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        (["n1", "n2", "n3", "n7"], "n[1-3,7]"),
        (["n008", "n009", "n010"], "n[008-010]"),
        (["n9", "n10", "n11"], "n[9-11]"),
        (["a", "n1"], "a,n1"),
        (["gpu-01-a", "gpu-02-a"], "gpu-01-a,gpu-02-a"),
        (["7"], "7"),
        ([], ""),
    ],
)
def test_names_are_folded_as_slurm_writes_them(names, folded):
    assert fold_names(names) == folded
    assert sorted({*names}, key=natural_key) == names

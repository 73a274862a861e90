"""The HTML report in a real browser, where there is one."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import pytest

from stackcheck.diagnose.examination import own_rules
from stackcheck.diagnose.runner import diagnose
from stackcheck.render.html import render_html
from tests.stackcheck.sketch import changed, healthy, situation, with_builds

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium or Chrome")

PHONE = 360
MEASURE = """
const frame = document.querySelector('iframe');
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  const letters = [...page.querySelectorAll('.stack text')].map(text => text.getBoundingClientRect());
  const boxes = [...page.querySelectorAll('.stack rect')].map(box => box.getBoundingClientRect());
  document.body.dataset.found = JSON.stringify({
    width: root.scrollWidth, fetched: frame.contentWindow.performance.getEntriesByType('resource').length,
    letter: Math.min(...letters.map(box => box.height)), right: Math.max(...letters.map(box => box.right)),
    boxes: boxes.length, edge: Math.max(...boxes.map(box => box.right)),
    page: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
    ink: frame.contentWindow.getComputedStyle(page.body).color,
  });
};
"""


def measure(page, tmp_path, *options):
    """Load the page into a phone's width and return what its layout is."""
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<body><iframe width="{PHONE}" height="700" style="border:0" srcdoc="{html.escape(page)}"></iframe>'
        f"<script>{MEASURE}</script>",
        encoding="utf-8",
    )
    done = subprocess.run(
        [
            *(BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", *options),
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
    return json.loads(html.unescape(found[1]))


@pytest.fixture(scope="module")
def page():
    machine = changed(healthy(8), driver__module__version="575.57.08", driver__nvml_code=18)
    machine = with_builds(machine, "torch==2.9.0+cu128", "tensorflow==2.20.0+cu125")
    return render_html(diagnose(situation(machine), own_rules()))


def test_the_page_fits_a_phone_and_fetches_nothing(page, tmp_path):
    found = measure(page, tmp_path)
    assert found["width"] <= PHONE
    assert found["fetched"] == 0


def test_the_pictures_letters_can_be_read_and_stay_in_their_boxes(page, tmp_path):
    found = measure(page, tmp_path)
    assert found["boxes"] >= 5
    assert found["letter"] >= 11
    assert found["right"] <= found["edge"]


def test_in_the_dark_the_page_is_dark(page, tmp_path):
    def brightness(colour):
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    light = measure(page, tmp_path, "--blink-settings=preferredColorScheme=1")
    dark = measure(page, tmp_path, "--blink-settings=preferredColorScheme=0")
    assert brightness(light["page"]) > brightness(light["ink"])
    assert brightness(dark["page"]) < brightness(dark["ink"])

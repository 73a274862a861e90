"""Small matrices written by tests."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

HEAD = """\
schema: stackcheck.framework/1
as_of: 2026-01-02
framework: demo
title: Demo
distribution: demo
names:
  demo-gpu: {distribution: demo-gpu, build: cu}
sources:
  paper: {kind: doc, source: "the paper"}
install:
  pypi: "pip install {distribution}=={version}{companions}"
  pypi/cpu: "pip install {distribution}-cpu=={version}"
"""

RELEASES = """\
releases:
  - version: 2.10
    released: 2025-12-01
    builds:
      - {build: cu128, channel: pypi, platform: [linux-x86_64, linux-aarch64], cuda: 12.8,
         architectures: sm_80 compute_90, evidence: [paper]}
      - {build: cpu, channel: pypi, platform: linux-x86_64, default: true, evidence: [paper]}
  - version: 2.9
    released: 2025-10-01
    builds:
      - {build: cu126, channel: pypi, platform: linux-x86_64, cuda: 12.6, architectures: unknown, evidence: [paper]}
"""


def write_framework(folder: Path, releases: str = RELEASES, head: str = HEAD) -> Path:
    path = folder / "frameworks" / "demo.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + releases)
    return path


def write_nvidia(folder: Path, text: str) -> Path:
    path = folder / "nvidia" / "tables.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("schema: stackcheck.nvidia/1\nas_of: 2026-01-02\n" + dedent(text))
    return path

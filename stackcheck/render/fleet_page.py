"""A fleet's answer as one self-contained HTML page: nothing is fetched, it reads on a phone and in the dark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from stackcheck import __version__
from stackcheck.render.fleet import describe_age, group_rows
from stackcheck.render.html import STYLE
from stackcheck.render.node_names import fold_names

if TYPE_CHECKING:
    from stackcheck.fleet.drift import Drift
    from stackcheck.fleet.node import Node
    from stackcheck.model.diagnosis import Status

__all__ = ["render_fleet_page"]

_OWN_STYLE = """
.tiles { display: flex; flex-wrap: wrap; gap: 2px; margin: 1rem 0; }
.tiles a { display: block; width: 14px; height: 14px; border-radius: 3px; background: var(--unknown); }
.tiles .ok { background: var(--ok); } .tiles .error { background: var(--error); }
.tiles .warning { background: var(--warning); }
article.unknown { border-left-color: var(--unknown); }
.legend span { white-space: nowrap; margin-right: .8rem; }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; background: var(--unknown); }
.legend .ok { background: var(--ok); } .legend .error { background: var(--error); }
.legend .warning { background: var(--warning); }
"""
_TILES_MAX = 2000
"""Beyond that a node is no bigger than a dot; the table holds them all."""


def render_fleet_page(nodes: Sequence[Node], drift: Sequence[Drift], status: Status) -> str:
    """Return the whole page: a tile for each node, those that are not well in groups, drift, and all in a table."""
    counts = Counter(node.state for node in nodes)
    told = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    groups = "\n".join("\n".join(_group(rows)) for rows in group_rows(nodes))
    differences = "\n".join("\n".join(_difference(each)) for each in drift)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>StackCheck: {len(nodes)} nodes, {status}</title>
<style>{STYLE}{_OWN_STYLE}</style>
</head>
<body>
<h1>StackCheck: {len(nodes)} nodes, {status}</h1>
<p>{escape(told)}</p>
{_tiles(nodes)}
{groups}
{f"<h1>What differs</h1>{differences}" if drift else ""}
<details><summary>Every node</summary><table>
<tr><th>Node</th><th>State</th><th>Age</th><th>Driver</th><th>GPUs</th></tr>
{"".join(map(_row, nodes))}</table></details>
<p><small>stackcheck {__version__}</small></p>
</body>
</html>
"""


def _colour(node: Node) -> str:
    if node.state == "ok":
        return "ok"
    if node.state == "down" or any(each.severity == "error" for each in node.findings):
        return "error"
    return "warning" if node.findings else "unknown"


def _tiles(nodes: Sequence[Node]) -> str:
    if len(nodes) > _TILES_MAX:
        return ""
    tiles = "".join(
        f'<a class="{_colour(node)}" href="#{escape(_anchor(node.name))}"'
        f' title="{escape(node.name)}: {node.state}"></a>'
        for node in nodes
    )
    words = (("ok", "well"), ("warning", "warnings"), ("error", "errors, or down"), ("", "unknown"))
    legend = "".join(f'<span><i class="{name}"></i> {word}</span>' for name, word in words)
    return f'<div class="tiles">{tiles}</div>\n<p class="legend faint">{legend}</p>'


def _anchor(name: str) -> str:
    return f"node-{name.replace(' ', '_')}"


def _group(rows: Sequence[Node]) -> Iterator[str]:
    first = rows[0]
    yield f'<article class="{_colour(first)}">'
    yield f"<h2>{escape(fold_names(node.name for node in rows))}: {first.state}</h2>"
    for finding in first.findings:
        yield f"<p><b>{finding.severity} {escape(finding.code)}.</b> {escape(finding.title)}</p>"
        if finding.fix.summary:
            yield f"<p><b>Fix.</b> {escape(finding.fix.summary)}</p>"
        if finding.fix.commands:
            yield f"<pre>{escape(chr(10).join(finding.fix.commands))}</pre>"
    if first.detail and not first.findings:
        yield f"<p>{escape(first.detail)}</p>"
    yield "</article>"


def _difference(drift: Drift) -> Iterator[str]:
    yield f"<h2>{escape(drift.fact)}</h2><table>"
    yield f"<tr><td>{escape(drift.majority)}</td><td>{drift.share} nodes</td></tr>"
    for value, names in drift.by_value().items():
        yield f"<tr><td>{escape(value)}</td><td>{escape(fold_names(names))}</td></tr>"
    if drift.unknown:
        yield f'<tr class="faint"><td>unknown</td><td>{escape(fold_names(drift.unknown))}</td></tr>'
    yield "</table>"


def _row(node: Node) -> str:
    age = "" if node.age_seconds is None else describe_age(node.age_seconds)
    cells = (node.state, age, node.facts.get("driver", ""), node.facts.get("GPUs", ""))
    return (
        f'<tr id="{escape(_anchor(node.name))}"><th>{escape(node.name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>\n"
    )

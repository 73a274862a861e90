"""One self-contained HTML page: nothing is fetched, it reads on a phone and in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from stackcheck import __version__
from stackcheck.model.diagnosis import Diagnosis
from stackcheck.model.finding import Finding
from stackcheck.render.picture import draw_stack
from stackcheck.render.stack import describe_machine, rows_of
from stackcheck.render.text import summarise

__all__ = ["STYLE", "render_html"]

STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1b1f24; --faint: #59636e; --line: #d1d9e0; --panel: #f6f8fa;
  --ok: #1a7f37; --info: #0969da; --warning: #9a6700; --error: #cf222e; --unknown: #8250df; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --ink: #e6edf3; --faint: #9198a1; --line: #3d444d;
  --panel: #151b23; --ok: #3fb950; --info: #58a6ff; --warning: #d29922; --error: #ff7b72; --unknown: #bc8cff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 46rem; padding: 1rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
p { margin: .4rem 0; } small, .faint { color: var(--faint); }
.stack { display: block; width: 100%; max-width: 26rem; margin: 1rem 0; }
.box rect { fill: var(--panel); stroke: var(--line); } .box text { fill: var(--ink); }
.box .label { font: 600 13px system-ui, sans-serif; } .box .what { font: 12px system-ui, sans-serif; }
.box .mark { font: 700 17px system-ui, sans-serif; }
.ok .mark { fill: var(--ok); } .info .mark { fill: var(--info); }
.warning .mark { fill: var(--warning); } .warning rect { stroke: var(--warning); }
.error .mark { fill: var(--error); } .error rect { stroke: var(--error); stroke-width: 2; }
.unknown .mark { fill: var(--unknown); } .unknown rect { stroke-dasharray: 4 3; }
article { border: 1px solid var(--line); border-left-width: 4px; border-radius: 6px; padding: .8rem; margin: 1rem 0; }
article.error { border-left-color: var(--error); } article.warning { border-left-color: var(--warning); }
article.info { border-left-color: var(--info); }
dl { margin: .4rem 0; } dt { font-weight: 600; } dd { margin: 0 0 .4rem; }
pre { background: var(--panel); border-radius: 6px; padding: .6rem; margin: .4rem 0; overflow-x: auto;
  font-size: .85rem; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; }
td, th { border-bottom: 1px solid var(--line); padding: .25rem .4rem .25rem 0; text-align: left; vertical-align: top; }
"""


def render_html(diagnosis: Diagnosis) -> str:
    """Return the whole page."""
    rows = rows_of(diagnosis)
    findings = "\n".join("\n".join(_finding(finding)) for finding in diagnosis.findings)
    target = (
        f"<p>Environment <code>{escape(diagnosis.target)}</code></p>" if diagnosis.target else ""
    )
    layers = "\n".join(
        f"<tr><th>{escape(row.layer.label)}</th><td>{row.status}</td><td>{escape(row.text)}</td></tr>"
        for row in rows
    )
    checks = "\n".join(
        f"<tr><td>{escape(check.code)}</td><td>{check.outcome}</td><td>{escape(check.title)}"
        + (f"<br><small>{escape(check.note)}</small>" if check.note else "")
        + "</td></tr>"
        for check in diagnosis.checks
    )
    knowledge = f", knowledge of {diagnosis.knowledge_as_of}" if diagnosis.knowledge_as_of else ""
    summary = escape(summarise(diagnosis).partition("\n")[0])
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>StackCheck: {diagnosis.status}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>StackCheck: {diagnosis.status}</h1>
<p>{escape(describe_machine(diagnosis.machine))}</p>
{target}
<p>{summary}</p>
{draw_stack(rows)}
{findings}
<details><summary>Every layer in full</summary><table>
{layers}
</table></details>
<details><summary>Every check ({len(diagnosis.checks)})</summary><table>
{checks}
</table></details>
<p><small>stackcheck {__version__}{knowledge}</small></p>
</body>
</html>
"""


def _finding(finding: Finding) -> Iterator[str]:
    yield f'<article class="{finding.severity}" id="{escape(finding.code)}">'
    yield f"<h2>{finding.severity} {escape(finding.code)}: {escape(finding.title)}</h2>"
    if finding.evidence:
        yield "<dl>"
        for line in finding.evidence:
            yield (
                f"<dt>{escape(line.what)}</dt><dd>{escape(line.value)}"
                f" <small>{escape(line.source)}</small></dd>"
            )
        yield "</dl>"
    if finding.cause:
        yield f"<p><b>Cause.</b> {escape(finding.cause)}</p>"
    if finding.consequences:
        yield "<p><b>So also</b></p><ul>"
        yield from (f"<li>{escape(consequence)}</li>" for consequence in finding.consequences)
        yield "</ul>"
    if finding.fix.summary:
        yield f"<p><b>Fix.</b> {escape(finding.fix.summary)}</p>"
    if finding.fix.commands:
        yield f"<pre>{escape(chr(10).join(finding.fix.commands))}</pre>"
    if finding.verify:
        yield f"<p><b>Verify.</b></p><pre>{escape(finding.verify)}</pre>"
    if finding.ruled_out:
        yield f'<p class="faint">Ruled out: {escape("; ".join(finding.ruled_out))}</p>'
    yield "</article>"

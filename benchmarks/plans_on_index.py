"""Resolve every plan that the package index can serve on that index, and compare every pin.

    python benchmarks/plans_on_index.py [FRAMEWORK...] [--jobs 4]

One plan per release that the knowledge has on PyPI, for Linux and the Python that the resolver chooses. Prints each
difference, and at the end the count and the time.
"""

from __future__ import annotations

import argparse
import sys
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor

from stackcheck.environments.index_check import IndexCheck, check_on_index
from stackcheck.environments.tools import Tools
from stackcheck.knowledge.knowledge import load
from stackcheck.model.plan import Requirement
from stackcheck.resolve.resolver import resolve
from stackcheck.resolve.stated import Statement, state_machine
from stackcheck.resolve.wishes import Wishes


def main() -> int:
    """Sweep; return 1 if any plan differs from the index."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="*")
    parser.add_argument("--jobs", type=int, default=4)
    options = parser.parse_args()
    knowledge = load()
    machine = state_machine(Statement(os="Ubuntu 24.04", arch="x86_64"), knowledge)
    plans = {}
    for framework in options.frameworks or knowledge.frameworks:
        rows = [
            row
            for row in knowledge.builds(framework)
            if row.channel == "pypi" and row.platform == "linux-x86_64" and row.python_tags
        ]
        for row in rows:
            spec = f"{row.distribution}+{row.build}=={row.version}"
            asked = Requirement(
                spec,
                framework,
                is_framework=True,
                specifier=f"=={row.version}",
                build=row.build,
                distribution=row.distribution,
            )
            answer = resolve([asked], [machine], knowledge, Wishes(channel="pypi"), advise=False)
            plan = answer.plan
            if plan is not None:
                plans.setdefault(spec, plan)
    sysconfig.get_config_vars()  # its first call is not safe in threads, and uv's finder makes it
    started = time.perf_counter()

    def check(spec: str) -> tuple[str, IndexCheck]:
        return spec, check_on_index(plans[spec], Tools(quiet=True))

    counts: dict[str, int] = {}
    with ThreadPoolExecutor(options.jobs) as pool:
        for spec, outcome in pool.map(check, plans):
            counts[outcome.status] = counts.get(outcome.status, 0) + 1
            if outcome.status != "ok":
                lines = outcome.differences or outcome.message.splitlines()[-3:]
                print(f"{spec} (Python {plans[spec].python}): {outcome.status}")
                print("".join(f"    {line}\n" for line in lines), end="")
    print(f"{len(plans)} plans in {time.perf_counter() - started:.0f} s: {counts}")
    return int(set(counts) - {"ok"} != set())


if __name__ == "__main__":
    sys.exit(main())

"""Faults planted in child processes: a `sitecustomize` that breaks a library before anybody uses it."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

from stackcheck.smoke.request import Request
from stackcheck.smoke.runner import run_stages

# a checkout or an installation, whichever the tests themselves import
PACKAGES = [
    Path(str(spec.origin)).parents[1]
    for spec in map(find_spec, ("stackcheck", "stackgrad"))
    if spec
]

WRONG_PRODUCT = """
    from stackgrad.kernels import products
    right = products.matmul
    def matmul(*given, **settings):
        product = right(*given, **settings)
        if product.ndim == 2 and len(product) > 40 and product.shape[1] > 20:
            product[29, 17] += 0.01 * abs(product).max()
        return product
    products.matmul = matmul
"""

WRONG_GRADIENT = """
    from stackgrad.nn import functional
    right = functional.gelu
    def gelu(given, *rest, **settings):
        given = given * 1.0
        if given.requires_grad:
            given.register_hook(lambda gradient: gradient * 1.0001)
        return right(given, *rest, **settings)
    functional.gelu = gelu
"""

OTHER_BITS_EACH_TIME = """
    import os
    import stackgrad
    from stackgrad.nn import functional
    right = functional.cross_entropy
    def cross_entropy(scores, *rest, **settings):
        loss = right(scores, *rest, **settings)
        return loss * (1 + 2.0**-22 * (os.urandom(1)[0] % 7)) if scores.dtype == stackgrad.float32 else loss
    functional.cross_entropy = cross_entropy
"""

SHORT_MEMORY = """
    from stackgrad.nn import functional
    right = functional.cross_entropy
    def cross_entropy(scores, *rest, **settings):
        if scores.shape[0] > 16:
            raise MemoryError("Unable to allocate 9.9 TiB")
        return right(scores, *rest, **settings)
    functional.cross_entropy = cross_entropy
"""

STALE_CAPTURE = """
    import stackgrad
    def capture(step):
        calls = []
        def replay(*given):
            calls.append(given)
            return step(*(given if len(calls) < 3 else calls[1]))
        return replay
    stackgrad.capture = capture
"""

WEAK_PRODUCT = """
    import stackgrad
    from stackgrad.tensor import Tensor
    right, calls = Tensor.__matmul__, []
    def matmul(left, other):
        product = right(left, other)
        if len(left) == 1024:
            calls.append(1)
            if len(calls) == 7:
                product = product * 1.0
                with stackgrad.no_grad():
                    product[3, 4] += 1.0
        return product
    Tensor.__matmul__ = matmul
"""

LITTLE_ADDRESS_SPACE = """
    import resource
    import stackgrad
    right = stackgrad.tune
    def tune(*given, **settings):
        done = right(*given, keep_memory=False)
        pages = int(open("/proc/self/statm").read().split()[0])
        limit = pages * resource.getpagesize() + (200 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        return done
    stackgrad.tune = tune
"""

LEAK = """
    from stackgrad.nn import functional
    right, kept = functional.cross_entropy, []
    def cross_entropy(*given, **settings):
        kept.append(bytes(50_000))
        return right(*given, **settings)
    functional.cross_entropy = cross_entropy
"""

HANG = """
    import time
    from stackgrad.nn import functional
    functional.conv2d = lambda *given, **settings: time.sleep(600)
"""

CRASH = """
    import os, signal
    from stackgrad.nn import functional
    functional.conv2d = lambda *given, **settings: os.kill(os.getpid(), signal.SIGSEGV)
"""


class Seen:
    """A listener that keeps what it was told."""

    def __init__(self):
        self.begun, self.steps, self.finished = [], [], []

    def begin(self, name):
        self.begun.append(name)

    def progress(self, event):
        self.steps.append(event)

    def finish(self, result):
        self.finished.append(result)


def plant(folder, text):
    """Write the fault where child processes find it; returns the environment for a command line."""
    (folder / "sitecustomize.py").write_text(dedent(text))
    path = os.pathsep.join(map(str, (folder, *PACKAGES)))
    return {**os.environ, "PYTHONPATH": path, "STACKCHECK_STATE_DIR": str(folder / "state")}


def run_planted(monkeypatch, folder, text, *stages, **settings):
    """Run stages with the fault; returns their results by name, and the run."""
    plant(folder, text)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    run = run_stages(Request(stages=stages, **settings), Seen())
    return {result.name: result for result in run.stages}, run

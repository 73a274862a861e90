"""StackCheck: tells whether an NVIDIA deep-learning stack works, why not, and what would."""

from __future__ import annotations

__version__ = "0.1.0"

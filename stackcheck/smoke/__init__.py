"""Smoke: prove the stack by known right answers and by training, and name the layer that fails.

The stages run in a child process (`worker`), so that a hang or a crash of a library ends one stage and not the
report; `runner` watches it, `verdict` judges, `console` and `page` render. Only this package imports stackgrad, and
only in the child.
"""

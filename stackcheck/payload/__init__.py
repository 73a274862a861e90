"""Programs that run in other people's interpreters: standard library plus the framework, Python 3.6 syntax.

They are piped into an interpreter, never imported, and answer with one line of JSON.
"""

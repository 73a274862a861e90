"""Parsers of ELF, fat binaries and wheels over `read_at(offset, size)`, so that a file and an HTTP range read alike."""

"""A package index on this machine that asks for a password, is slow or broken, as the tests want it."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_words):
        pass

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def _answer(self, *, with_body):
        status, content = self.server.look_up(self.path, self.headers.get("Authorization", ""))
        self.server.asked.append((self.command, self.path, status))
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="wheels"')
        kind = "text/html" if self.path.endswith("/") else "application/octet-stream"
        self.send_header("Content-Type", kind)
        told = self.server.sizes.get(self.path.rpartition("/")[2], len(content))
        self.send_header("Content-Length", str(len(content) if with_body else told))
        self.end_headers()
        if with_body:
            if self.path.endswith(".whl"):
                time.sleep(self.server.delay)
            self.wfile.write(content)


def _metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name)


class IndexServer(ThreadingHTTPServer):
    """Serves wheels by PEP 503 and PEP 658, each after `delay` seconds. `sizes` are what HEAD tells, whatever a file's length."""

    daemon_threads = True

    def __init__(self, wheels, *, user="", password="", status=200, delay=0.0):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.user, self.password, self.status, self.delay = user, password, status, delay
        self.asked, self.sizes = [], {}
        self.files = {wheel.name: wheel.read_bytes() for wheel in wheels}
        self.metadata = {f"{wheel.name}.metadata": _metadata(wheel) for wheel in wheels}

    @property
    def address(self):
        return f"127.0.0.1:{self.server_port}"

    def look_up(self, path, authorization):
        if self.status != 200:
            return self.status, b"refused"
        wanted = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if self.user and authorization != f"Basic {wanted}":
            return 401, b"who are you?"
        kind, _, rest = path.strip("/").partition("/")
        if kind == "files" and rest in self.files | self.metadata:
            return 200, (self.files | self.metadata)[rest]
        if kind == "simple":
            links = [
                f'<a href="/files/{name}#sha256={hashlib.sha256(content).hexdigest()}" '
                f'data-core-metadata="true">{name}</a>'
                for name, content in self.files.items()
                if name.split("-")[0].replace("_", "-") == rest.strip("/")
            ]
            if links:
                return 200, f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
        return 404, b"no such thing"


@contextmanager
def serving(wheels, **settings):
    """Serve for the length of the block."""
    server = IndexServer(wheels, **settings)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""A file server on loopback that answers HTTP ranges, and one that does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serve(
    files: dict[str, tuple[str, bytes]], *, ranges: bool = True, failures: int = 0
) -> Iterator[str]:
    """Serve the files; the first `failures` requests are answered with 503."""
    left = [failures]

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            if left[0]:
                left[0] -= 1
                self.send_error(503)
                return
            if self.path not in files:
                self.send_error(404)
                return
            kind, data = files[self.path]
            wanted = self.headers.get("Range")
            if wanted and ranges:
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                data = data[int(first) : int(last) + 1]
                self.send_response(206)
            else:
                self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if with_body:
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

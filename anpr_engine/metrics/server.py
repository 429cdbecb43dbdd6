"""`/metrics`, `/healthz` and `/readyz` over plain HTTP, from a thread of its own."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from anpr_engine.errors import AnprError

Health = Callable[[], list[str]]
"""Gives what is wrong, one sentence each; nothing when all is well."""


class MetricsServer:
    """Serves the engine's own page; binds to loopback unless told otherwise."""

    def __init__(self, address: tuple[str, int], page: Callable[[], bytes]) -> None:
        """Bind the address; port 0 takes a free one.

        Raises:
            AnprError: the address is in use or not of this machine.

        """
        self._alive: Health = list
        self._ready: Health = lambda: ["starting"]
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                code, kind, body = server.answer(self.path.split("?")[0], page)
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
                return

        try:
            self._server = ThreadingHTTPServer(address, Handler)
        except OSError as error:
            raise AnprError(
                f"The metrics address {address[0]}:{address[1]} cannot be used: {error.strerror}.",
                "Set http.port (ANPR_HTTP__PORT) to a free port, or to 0 to serve nothing.",
            ) from None
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """The port in use."""
        return int(self._server.server_address[1])

    def answer(self, path: str, page: Callable[[], bytes]) -> tuple[int, str, bytes]:
        """Answer one path: status code, content type, body."""
        if path == "/metrics":
            return 200, "text/plain; version=0.0.4; charset=utf-8", page()
        checks = {"/healthz": self._alive, "/readyz": self._ready}
        if path not in checks:
            return 404, "text/plain", b"try /metrics, /healthz or /readyz\n"
        wrong = checks[path]()
        text = "".join(f"{sentence}\n" for sentence in wrong) or "ok\n"
        return (503 if wrong else 200), "text/plain; charset=utf-8", text.encode()

    def start(self, alive: Health, ready: Health) -> None:
        """Begin to answer."""
        self._alive, self._ready = alive, ready
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

"""The built site on a server of this machine, packed on its way as web servers pack it."""

import gzip
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import IO

PIECES, PAUSE = 40, 0.03  # of a page over a slow line; seconds
PACKED = ("text/", "image/svg", "application/json", "application/javascript")


class Packing(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        file = Path(self.translate_path(self.path))
        file = file / "index.html" if file.is_dir() else file
        if not file.exists():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        kind, body = self.guess_type(str(file)), file.read_bytes()
        self.send_response(HTTPStatus.OK)
        if kind.startswith(PACKED):
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        with suppress(ConnectionError):  # the reader has gone on
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests say what is wrong."""


class Slow(http.server.SimpleHTTPRequestHandler):
    """Each page comes piece by piece, so that a browser may paint what it has of it."""

    def copyfile(self, source: IO[bytes], outputfile: IO[bytes]) -> None:
        body = source.read()
        if not self.path.endswith(".html"):
            outputfile.write(body)
            return
        for piece in range(PIECES):
            outputfile.write(body[len(body) * piece // PIECES : len(body) * (piece + 1) // PIECES])
            outputfile.flush()
            time.sleep(PAUSE)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests say what is wrong."""


@contextmanager
def listening(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server whose requests go to the handler."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def served(folder: Path) -> AbstractContextManager[str]:
    """The address of a server of what is in the folder."""
    return listening(partial(Packing, directory=folder))


def slowly(folder: Path) -> AbstractContextManager[str]:
    """The address of a server of what is in the folder, over a slow line."""
    return listening(partial(Slow, directory=folder))

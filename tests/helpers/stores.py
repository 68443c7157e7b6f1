"""A folder as an S3 store whose buckets are its folders: as much of the protocol as is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """The endpoint of a store, in a process of its own: some readers let no other thread run while they wait."""
    command = [sys.executable, __file__, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


class _Store(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root: Path
    parts: dict[Path, dict[int, bytes]] = {}

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        path, query = self.root / unquote(url.path).strip("/"), parse_qs(url.query)
        if "list-type" in query:
            self._send(200, _listing(path, query.get("prefix", [""])[0], query.get("start-after", [""])[0]))
        elif not path.is_file():
            self._send(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self._send_file(path.read_bytes())

    do_HEAD = do_GET  # noqa: N815

    def do_PUT(self) -> None:
        """A file, or a part of one."""
        url = urlsplit(self.path)
        path, query = self.root / unquote(url.path).strip("/"), parse_qs(url.query)
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if "partNumber" in query:
            self.parts.setdefault(path, {})[int(query["partNumber"][0])] = content
        else:
            self._keep(path, content)
        self._send(200, b"")

    def do_POST(self) -> None:
        """The beginning of a file in parts, or its end; or files to delete."""
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        url = urlsplit(self.path)
        path = self.root / unquote(url.path).strip("/")
        bucket, _, key = url.path.strip("/").partition("/")
        about = f"<Bucket>{bucket}</Bucket><Key>{key}</Key>"
        if url.query.startswith("delete"):
            for name in re.findall("<Key>(.*?)</Key>", asked):
                (path / unquote(name)).unlink()
            said = "<DeleteResult></DeleteResult>"
        elif "uploads" in url.query:
            said = f"<InitiateMultipartUploadResult>{about}<UploadId>1</UploadId></InitiateMultipartUploadResult>"
        else:
            self._keep(path, b"".join(part for _, part in sorted(self.parts.pop(path).items())))
            said = f"<CompleteMultipartUploadResult>{about}<ETag>x</ETag></CompleteMultipartUploadResult>"
        self._send(200, said.encode())

    @staticmethod
    def _keep(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)  # a store has names only, and no folders
        path.write_bytes(content)

    def _send_file(self, content: bytes) -> None:
        asked = self.headers.get("Range")
        if asked is None:
            return self._send(200, content)
        first, last = asked.removeprefix("bytes=").split("-")
        start = int(first) if first else max(0, len(content) - int(last))
        end = min(int(last) + 1, len(content)) if first and last else len(content)
        return self._send(206, content[start:end], {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}"})

    def _send(self, status: int, body: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        headers = {"Content-Length": str(len(body)), "ETag": '"x"', "Last-Modified": formatdate(0, usegmt=True)}
        for name, value in (headers | (more or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _listing(bucket: Path, prefix: str, after: str) -> bytes:
    """What ListObjectsV2 answers: the keys that start with a prefix and sort behind another one."""
    keys = sorted(str(file.relative_to(bucket)) for file in bucket.rglob("*") if file.is_file())
    rows = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>1970-01-01T00:00:00.000Z</LastModified>"
        f"<ETag>x</ETag><Size>{(bucket / key).stat().st_size}</Size></Contents>"
        for key in keys
        if key.startswith(prefix) and key > after
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode()


if __name__ == "__main__":
    _Store.root = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Store)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()

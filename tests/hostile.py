"""Requests and log directories of somebody who means no good."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from hypothesis import strategies as st

from tb_lrfinder.storage.writer import SweepWriter, TrialWriter
from tests.serving import TensorBoardServer, tensorboard

MARKUP = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
NAMES = (
    '<img src=x onerror="window.hacked=1">',
    "\u202egnp.exe",
    "a'b\"c`d${7}{{7}}",
    "=cmd|' !A0",
    "tab\tline\nbell\x07",
    "..%2f..%2fetc",
    "__proto__",
    "x" * 200,
    "naïve ünï 学習率 🙂",
)
ROUTES = ("runs", "rules", "sweeps", "trials", "download", "static/index.js")
PARAMETERS = [
    "run",
    "smoothing",
    "delta_window",
    "skip_start",
    "skip_end",
    "encoding",
    "columns",
    "buckets",
    "format",
    "__proto__",
    "rule",
]

TEXT = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "nan", "inf", "1e309", "1e-400", "0x10", "１", "null", "true", "[]", "{}"]
    ),
    st.sampled_from(
        ["json", "base64", "csv", "loss", "step,loss", "good", *NAMES, MARKUP, "%00", "\x00", "../../"]
    ),
    st.integers().map(str),
    st.floats().map(str),
    st.text(max_size=40),
    st.binary(max_size=20).map(lambda raw: raw.decode("latin-1")),
    st.integers(1_000, 10_000).map(lambda length: "9" * length),
)
QUERY = st.lists(st.tuples(st.sampled_from(PARAMETERS), TEXT), max_size=6).map(
    lambda pairs: "&".join(f"{quote(name)}={quote(text, safe='')}" for name, text in pairs)
)
RAW_QUERY = st.text("&=;%+?#/.abc019\u00e9", max_size=60).map(lambda text: quote(text, safe="&=;%+?/."))
STEPS = st.one_of(
    st.sampled_from(["..", "%2e%2e", "%252e%252e", "%c0%ae%c0%ae", ".", "", "%00", "..%5c", "..%2f", "%ff"]),
    st.sampled_from(["etc", "passwd", "index.js", "plugin.py", "C:", "~root", "con", "*", "sources.sha256"]),
)
PATH = st.lists(STEPS, min_size=1, max_size=7).map(lambda steps: "static/" + "/".join(steps))
HEADERS = st.dictionaries(
    st.sampled_from(
        ["If-None-Match", "Accept-Encoding", "Range", "Accept", "Cookie", "X-Forwarded-For", "Origin"]
    ),
    st.text("abcW/\"*;,=0123456789-gzip<>'", max_size=60),
    max_size=3,
)
METHOD = st.sampled_from(["GET"] * 12 + ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "GIT"])


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    target: str
    headers: dict[str, str]


REQUESTS = st.builds(
    lambda method, path, query, headers: Asked(method, f"/data/plugin/lr_finder/{path}?{query}", headers),
    METHOD,
    st.one_of(st.sampled_from(ROUTES), st.sampled_from(ROUTES), PATH),
    st.one_of(QUERY, QUERY, RAW_QUERY),
    HEADERS,
)

TYPES = {
    "runs": "application/json",
    "rules": "application/json",
    "sweeps": "application/json",
    "trials": "application/json",
    "download": ("application/json", "text/csv"),
    "static": ("text/javascript", "text/plain"),
}
# What an answer must not tell: where things lie on the server, and what its code is.
SECRETS = (b"Traceback", b'File "', b"site-packages", b"/tb_lrfinder/", b"root:x:", b"LRFinderPlugin")


@contextlib.contextmanager
def serve(log_dir: Path, *options: str) -> Iterator[TensorBoardServer]:
    """A TensorBoard that has loaded `write_logs`."""
    write_logs(log_dir)
    with tensorboard(log_dir, *options) as server:
        server.wait_for_runs(len(NAMES) + 2, status="finished")
        yield server


def write_logs(log_dir: Path) -> None:
    """A good sweep among bad names and settings."""
    writer = SweepWriter(log_dir / "good", {"num_steps": 40, "optimizer": "Adam"})
    _add_rows(writer)
    for number, name in enumerate(NAMES):
        config = {
            "id": MARKUP,
            "optimizer": MARKUP,
            "model": name,
            "batch_size": 10**30,
            "parameters": -1,
            "start_time": 1e300,
            "end_lr": "high",
            "num_steps": 2**70,
            "__proto__": {"polluted": True},
            "nested": _nested(60),
            "long": "y" * 100_000,
        }
        _add_rows(SweepWriter(log_dir / f"{number}" / name, config), MARKUP)
    trial = TrialWriter(
        log_dir / "trial" / MARKUP.replace("/", "|"), {"learning_rate": 0.1, "schedule": MARKUP}
    )
    trial.add(
        epoch=0, learning_rate=0.1, loss=1.0, values={MARKUP: 1.0, "__proto__": 2.0, "constructor": 3.0}
    )
    trial.close({"stop_reason": MARKUP, "message": MARKUP})


def _nested(depth):
    return [_nested(depth - 1)] if depth else "deep"


def _add_rows(writer, message=None):
    for step in range(40):
        writer.add(step, 1e-5 * 1.4**step, 2.0 - 0.04 * step + 0.003 * step**1.9, 0.0)
    writer.close({"stop_reason": "completed" if message is None else message, "message": message})


class Client:
    """Sends requests as they are, over one connection for as long as it holds."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._make = lambda: http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        self._connection = self._make()

    def send(self, asked: Asked) -> tuple[http.client.HTTPResponse, bytes]:
        """The answer and its body."""
        try:
            return self._send(asked)
        except (http.client.HTTPException, ConnectionError):
            self._connection.close()  # the server closes it after some answers
            self._connection = self._make()
            return self._send(asked)

    def _send(self, asked: Asked) -> tuple[http.client.HTTPResponse, bytes]:
        self._connection.request(asked.method, asked.target, headers=asked.headers)
        answer = self._connection.getresponse()
        return answer, answer.read()


def check(asked: Asked, answer: http.client.HTTPResponse, body: bytes) -> None:
    """What is promised of every answer."""
    assert answer.status in (200, 304, 400, 404, 405, 414), answer.status
    told = [secret for secret in SECRETS if secret in body]
    route = asked.target.removeprefix("/data/plugin/lr_finder/").partition("?")[0]
    if answer.status == 200 and asked.method in ("GET", "HEAD"):
        kinds = TYPES[route.partition("/")[0]]
        assert answer.headers["Content-Type"].partition(";")[0] in kinds
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if route.startswith("static/"):
            return  # the page itself
    if answer.status == 405 or asked.method not in ("GET", "HEAD"):
        assert answer.status in (400, 404, 405)
    assert not told
    if answer.status >= 400:
        assert len(body) < 5_000

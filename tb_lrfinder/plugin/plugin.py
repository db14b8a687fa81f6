"""The TensorBoard plugin: routes that parse, call and answer. See http_api.md for the contract.

TensorBoard imports this module at every start, so it stays light: no keras, no tensorflow. An
ImportError here would keep TensorBoard from starting.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tensorboard import errors, plugin_util
from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from tensorboard.util import tb_logging
from werkzeug import Request, Response
from werkzeug.datastructures import Headers

from tb_lrfinder.plugin import responses
from tb_lrfinder.plugin.request_params import BadParameterError, DownloadQuery, SweepsQuery, TrialsQuery
from tb_lrfinder.plugin.response_body import Body
from tb_lrfinder.plugin.shared_work import SharedWork
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.reader import NotListedError, RunReader

logger = tb_logging.get_logger()

_STATIC = Path(__file__).parent / "static"
_NOT_BUILT = """export function render() {
  document.body.textContent = "The page of the LR Finder has not been built. " +
    "Install tb_lrfinder from a wheel, or run `pip install .` in its source directory.";
}
"""

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


class LRFinderPlugin(base_plugin.TBPlugin):
    """The tab *LR Finder*: learning-rate sweeps on a log axis, with the suggested learning rate.

    Args:
        context: What TensorBoard gives every plugin; only its data provider is used.
    """

    plugin_name = schema.PLUGIN_NAME

    def __init__(self, context: base_plugin.TBContext) -> None:
        self._reader = RunReader(context.data_provider)
        self._lists = SharedWork()  # of their own: a list must not wait for those who read a million rows
        self._reads = SharedWork()
        # An allow-list, made once: whatever a request's path decodes to, nothing else is served.
        self._static = {
            path.relative_to(_STATIC).as_posix(): path
            for path in _STATIC.rglob("*")
            if path.suffix
            in (".js", ".txt")  # the page and its licences, not what the build keeps beside them
        }
        if "index.js" not in self._static:
            logger.warning("tb_lrfinder: the page of the tab has not been built; run `pip install .`")

    def get_plugin_apps(self) -> dict[str, App]:
        """The routes below `data/plugin/lr_finder`."""
        return {
            "/runs": _route(self._runs),
            "/rules": _route(self._rules),
            "/sweeps": _route(self._sweeps),
            "/trials": _route(self._trials),
            "/download": _route(self._download),
            "/static/*": _route(self._page_file),
        }

    def is_active(self) -> bool:
        """False: TensorBoard looks for data of `data_plugin_names()` by itself."""
        return False

    def data_plugin_names(self) -> tuple[str, ...]:
        """Whose data makes the tab active."""
        return (schema.PLUGIN_NAME,)

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """Where the page is and what the tab is called."""
        return base_plugin.FrontendMetadata(es_module_path="/static/index.js", tab_name=schema.TAB_NAME)

    def _runs(self, request: Request) -> Response:
        def make() -> str:
            listed = self._reader.listed(*_where(request))
            return responses.runs(listed.runs, listed.notice)

        return self._answer(self._lists, request, make)

    def _rules(self, request: Request) -> Response:
        return _respond_body(request, Body.of(responses.rules(), compress=False))

    def _sweeps(self, request: Request) -> Response:
        asked = SweepsQuery.parse(request.args)
        return self._answer(
            self._reads,
            request,
            lambda: responses.sweeps(self._reader.each(*_where(request), asked.runs), asked),
        )

    def _trials(self, request: Request) -> Response:
        asked = TrialsQuery.parse(request.args)
        return self._answer(
            self._reads,
            request,
            lambda: responses.trials(self._reader.each(*_where(request), asked.runs), asked),
        )

    def _download(self, request: Request) -> Response:
        asked = DownloadQuery.parse(request.args)

        def make() -> responses.File:
            recorded = self._reader.read(*_where(request), [asked.run])
            return responses.download(recorded.get(asked.run), asked)

        return self._answer(self._reads, request, make)

    def _answer(
        self, work: SharedWork, request: Request, make: Callable[[], str | responses.File]
    ) -> Response:
        """What `make` returns, made once for all who ask for the same of the same data at the same time."""
        compress = "gzip" in request.headers.get("Accept-Encoding", "")
        what = (self._reader.data(*_where(request)), request.path, request.query_string, compress)
        return _respond_body(request, work.do(what, lambda: Body.of(make(), compress=compress)))

    def _page_file(self, request: Request) -> Response:
        name = request.path.partition("/static/")[2]
        path = self._static.get(name)
        if path is None:
            if name == "index.js":
                return _respond(request, _NOT_BUILT, "text/javascript")
            raise errors.NotFoundError(f"There is no file {name!r} in the page of the LR Finder")
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        # A registry or a distribution may have its own idea of .js, and a browser refuses that.
        content_type = "text/javascript" if path.suffix == ".js" else content_type
        return _respond(request, path.read_bytes(), content_type)


def _route(handler: Callable[[Request], Response]) -> App:
    """A WSGI app of one route; answers GET only, and a bad parameter with a 400 and a sentence.

    TensorBoard itself answers the errors that its data provider raises.
    """

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        if request.method not in ("GET", "HEAD"):
            response = _respond(request, f"Use GET, not {request.method}.", "text/plain", code=405)
            response.headers["Allow"] = "GET, HEAD"
        else:
            try:
                response = handler(request)
            except BadParameterError as error:
                response = _respond(request, str(error), "text/plain", code=400)
            except NotListedError as error:
                response = _respond(request, str(error), "text/plain", code=503)
                response.headers["Retry-After"] = "3"
        answered: Iterable[bytes] = response(environ, start_response)
        return answered

    return app


def _respond(request: Request, content: str | bytes, content_type: str, code: int = 200) -> Response:
    response: Response = http_util.Respond(request, content, content_type, code=code)
    return response


def _where(request: Request) -> tuple[Any, str]:
    return plugin_util.context(request.environ), plugin_util.experiment_id(request.environ)


def _respond_body(request: Request, body: Body) -> Response:
    if body.etag is not None and request.if_none_match.contains_weak(body.etag):
        response: Response = _NotModified(status=304)
    else:
        encoding = "gzip" if body.is_compressed else None
        response = http_util.Respond(request, body.content, body.content_type, content_encoding=encoding)
    if body.etag is not None:
        response.set_etag(body.etag, weak=True)
    if body.disposition is not None:
        response.headers["Content-Disposition"] = body.disposition
    return response


class _NotModified(Response):
    """A 304 with the headers that TensorBoard wants of every answer; werkzeug takes the type away."""

    def get_wsgi_headers(self, environ: Any) -> Headers:
        headers = super().get_wsgi_headers(environ)
        headers["Content-Type"] = "application/json"
        headers["X-Content-Type-Options"] = "nosniff"
        return headers

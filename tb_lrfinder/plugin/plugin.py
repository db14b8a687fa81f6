"""TensorBoard plugin: HTTP routes of the LR Finder tab, see http_api.md.

TensorBoard imports this module at every start, so it must import neither Keras nor TensorFlow. An ImportError
here would prevent TensorBoard from starting.
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
from tb_lrfinder.plugin.download import File, download
from tb_lrfinder.plugin.json_text import Json, RunEncoder, encode
from tb_lrfinder.plugin.request_params import BadParameterError, DownloadParams, SweepsParams, TrialsParams
from tb_lrfinder.plugin.response_body import Body
from tb_lrfinder.plugin.shared_work import SharedWork
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.run_reader import NotListedError, RunReader

logger = tb_logging.get_logger()

_STATIC = Path(__file__).parent / "static"
_NOT_BUILT = """export function render() {
  document.body.textContent = "The LR Finder page has not been built. " +
    "Install tb_lrfinder from a wheel, or run `pip install .` in its source directory.";
}
"""

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


class LRFinderPlugin(base_plugin.TBPlugin):
    """TensorBoard plugin for the *LR Finder* tab.

    Args:
        context: `TBContext` of TensorBoard; only its data provider is used.
    """

    plugin_name = schema.PLUGIN_NAME

    def __init__(self, context: base_plugin.TBContext) -> None:
        self._reader = RunReader(context.data_provider)
        self._lists = SharedWork()  # separate, so that listing never waits for requests that read rows
        self._reads = SharedWork()
        # An allow-list: no other files are served, no matter what the path of a request decodes to.
        self._static = {
            path.relative_to(_STATIC).as_posix(): path
            for path in _STATIC.rglob("*")
            if path.suffix in (".js", ".txt")  # the page and its licenses, without other build outputs
        }
        if "index.js" not in self._static:
            logger.warning(
                "tb_lrfinder: the page of the LR Finder tab has not been built. Run `pip install .`"
            )

    def get_plugin_apps(self) -> dict[str, App]:
        """Return the routes below `data/plugin/lr_finder`."""
        return {
            "/runs": _route(self._runs),
            "/rules": _route(self._rules),
            "/sweeps": _route(self._sweeps),
            "/trials": _route(self._trials),
            "/download": _route(self._download),
            "/static/*": _route(self._page_file),
        }

    def is_active(self) -> bool:
        """Return False: TensorBoard activates the tab if there is data of `data_plugin_names()`."""
        return False

    def data_plugin_names(self) -> tuple[str, ...]:
        """Return the names of the plugins whose data activates the tab."""
        return (schema.PLUGIN_NAME,)

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """Return the location of the page and the name of the tab."""
        return base_plugin.FrontendMetadata(es_module_path="/static/index.js", tab_name=schema.TAB_NAME)

    def _runs(self, request: Request) -> Response:
        def respond() -> Json:
            return encode(responses.runs(self._reader.list_runs(*_source(request)), RunEncoder()))

        return self._respond(self._lists, request, respond)

    def _rules(self, request: Request) -> Response:
        return _respond_body(request, Body.of(encode(responses.rules()), compress=False))

    def _sweeps(self, request: Request) -> Response:
        params = SweepsParams.parse(request.args)

        def respond() -> Json:
            encoder = RunEncoder(params.encoding)
            recorded = encoder.limit(self._reader.iter_runs(*_source(request), params.runs))
            return encode(responses.sweeps(recorded, params, encoder))

        return self._respond(self._reads, request, respond)

    def _trials(self, request: Request) -> Response:
        params = TrialsParams.parse(request.args)

        def respond() -> Json:
            encoder = RunEncoder()
            recorded = encoder.limit(self._reader.iter_runs(*_source(request), params.runs))
            return encode(responses.trials(recorded, params, encoder))

        return self._respond(self._reads, request, respond)

    def _download(self, request: Request) -> Response:
        params = DownloadParams.parse(request.args)

        def respond() -> File:
            recorded = self._reader.read_runs(*_source(request), [params.run])
            return download(recorded.get(params.run), params)

        return self._respond(self._reads, request, respond)

    def _respond(self, work: SharedWork, request: Request, respond: Callable[[], Json | File]) -> Response:
        """Send the result of `respond`, computed once for simultaneous identical requests."""
        compress = request.accept_encodings.quality("gzip") > 0
        data_key = self._reader.data_key(*_source(request))
        key = (data_key, request.path, request.query_string, compress)
        return _respond_body(request, work.do(key, lambda: Body.of(respond(), compress=compress)))

    def _page_file(self, request: Request) -> Response:
        name = request.path.partition("/static/")[2]
        path = self._static.get(name)
        if path is None:
            if name == "index.js":
                return _respond(request, _NOT_BUILT, "text/javascript")
            raise errors.NotFoundError(f"No such file: {name!r}")
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        # The MIME type of .js depends on the system, and browsers reject others.
        content_type = "text/javascript" if path.suffix == ".js" else content_type
        return _respond(request, path.read_bytes(), content_type)


def _route(handler: Callable[[Request], Response]) -> App:
    """Return the WSGI app of one route. It accepts only GET; invalid parameters return a 400.

    TensorBoard handles the errors that its data provider raises.
    """

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        if request.method not in ("GET", "HEAD"):
            response = _respond(
                request, f"Method {request.method} is not allowed. Use GET.", "text/plain", code=405
            )
            response.headers["Allow"] = "GET, HEAD"
        else:
            try:
                response = handler(request)
            except BadParameterError as error:
                response = _respond(request, str(error), "text/plain", code=400)
            except NotListedError as error:
                response = _respond(request, str(error), "text/plain", code=503)
                response.headers["Retry-After"] = "3"
        content: Iterable[bytes] = response(environ, start_response)
        return content

    return app


def _respond(request: Request, content: str | bytes, content_type: str, code: int = 200) -> Response:
    response: Response = http_util.Respond(request, content, content_type, code=code)
    return response


def _source(request: Request) -> tuple[Any, str]:
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
    """A 304 with the headers that TensorBoard requires; werkzeug removes the content type."""

    def get_wsgi_headers(self, environ: Any) -> Headers:
        headers = super().get_wsgi_headers(environ)
        headers["Content-Type"] = "application/json"
        headers["X-Content-Type-Options"] = "nosniff"
        return headers

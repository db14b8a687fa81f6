"""Files of `GET download`."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from urllib.parse import quote

from tb_lrfinder.plugin import responses
from tb_lrfinder.plugin.csv_table import CsvTable
from tb_lrfinder.plugin.json_text import RunEncoder
from tb_lrfinder.plugin.request_params import BadParameterError, DownloadParams
from tb_lrfinder.storage.recorded import Recorded
from tb_lrfinder.storage.strict_json import well_formed


@dataclass(frozen=True)
class File:
    """A file download.

    Args:
        text: String. The content of the file.
        content_type: String. The MIME type.
        content_disposition: String. The header with the name of the file.
    """

    text: str
    content_type: str
    content_disposition: str


def download(recorded: Recorded | None, params: DownloadParams) -> File:
    """Return the file of a run.

    Raises:
        BadParameterError: If there is no such run.
    """
    if recorded is None:
        raise BadParameterError(responses.not_found("sweep or trial", [params.run]))
    if params.format == "csv":
        return File(responses.contained(recorded, _csv_text), "text/csv", _disposition(recorded, "csv"))
    encoded = responses.recorded_run(recorded, RunEncoder())
    return File(encoded.text, "application/json", _disposition(recorded, "json"))


def _csv_text(recorded: Recorded) -> str:
    columns, stream = recorded.columns(), io.StringIO()
    CsvTable(stream, columns).add(columns)
    return stream.getvalue()


def _disposition(recorded: Recorded, extension: str) -> str:
    """Name the file after the run; characters that are not plain are only in the encoded form."""
    name = well_formed(f"{recorded.run.replace('/', '-') or recorded.kind}.{extension}")
    plain = re.sub(r"[^\w.=+-]", "_", name, flags=re.ASCII)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

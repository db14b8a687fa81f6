"""Body of a response, shared by all requests that receive the same one."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import Final

from tb_lrfinder.plugin.download import File
from tb_lrfinder.plugin.json_text import Json

_MIN_COMPRESSED_BYTES: Final = 1_000
_COMPRESSION_LEVEL: Final = 3  # the same as TensorBoard's


@dataclass(frozen=True)
class Body:
    """What is sent.

    Args:
        content: Bytes, possibly compressed.
        content_type: String. The MIME type.
        is_compressed: Boolean. Whether `content` is compressed with gzip.
        etag: String. Hash of the uncompressed content, or `None` for a download.
        disposition: String. `Content-Disposition` of a download, or `None`.
    """

    content: bytes
    content_type: str
    is_compressed: bool
    etag: str | None = None
    disposition: str | None = None

    @classmethod
    def of(cls, response: Json | File, *, compress: bool) -> Body:
        """Create the body of a response.

        Args:
            response: JSON, or a file download.
            compress: Boolean. Whether the client accepts gzip.
        """
        file = response if isinstance(response, File) else None
        content = response.text.encode(errors="replace")
        etag = None if file else hashlib.blake2b(content, digest_size=12).hexdigest()
        compress = compress and len(content) > _MIN_COMPRESSED_BYTES
        return cls(
            gzip.compress(content, _COMPRESSION_LEVEL, mtime=0) if compress else content,
            file.content_type if file else "application/json",
            compress,
            etag,
            file.content_disposition if file else None,
        )

"""The body of an answer, made ready for all who get the same one."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import Final

from tb_lrfinder.plugin.responses import File

_WORTH_COMPRESSING: Final = 1_000
_LEVEL: Final = 3  # as TensorBoard's own


@dataclass(frozen=True)
class Body:
    """What is sent.

    Args:
        content: Compressed or not.
        content_type: Its MIME type.
        is_compressed: Whether it is gzip's.
        etag: Of the text, where it can be asked for again.
        disposition: The header of this name, of a download.
    """

    content: bytes
    content_type: str
    is_compressed: bool
    etag: str | None = None
    disposition: str | None = None

    @classmethod
    def of(cls, answer: str | File, *, compress: bool) -> Body:
        """The body of an answer, which is JSON, or of a download.

        Args:
            answer: Text.
            compress: Whether those who asked can read gzip's.
        """
        file = answer if isinstance(answer, File) else None
        text = answer if isinstance(answer, str) else answer.text
        content = text.encode(errors="replace")
        etag = None if file else hashlib.blake2b(content, digest_size=12).hexdigest()
        compress = compress and len(content) > _WORTH_COMPRESSING
        return cls(
            gzip.compress(content, _LEVEL, mtime=0) if compress else content,
            file.content_type if file else "application/json",
            compress,
            etag,
            file.content_disposition if file else None,
        )

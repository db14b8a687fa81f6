"""Checksums of event files, of many records at once. Depends only on NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL: Final = 0x82F63B78  # CRC-32C (Castagnoli), reflected
_MASK_DELTA: Final = 0xA282EAD8
_ALL_ONES: Final = 0xFFFFFFFF
_MAX_BATCH_BYTES: Final = 1 << 25


def _table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


_TABLE: Final = _table()


def masked_crc32c(records: Sequence[bytes]) -> list[int]:
    """Return the masked CRC-32C of each record, as TensorBoard and TensorFlow write it after the record.

    Processes one byte of many records at a time: TensorBoard's pure-Python function takes 0.2 microseconds
    per byte.
    """
    masked = [0] * len(records)
    for rows in _batches(records):
        # Leading zero bytes do not change a zero register, so shorter records are padded on the left. The
        # initial register of ones is equivalent to inverting the first four bytes.
        width = max(4, *(len(records[row]) for row in rows))
        padded = np.zeros((len(rows), width), np.uint8)
        register = np.zeros(len(rows), np.uint32)
        for place, row in enumerate(rows):
            record = records[row]
            if len(record) < 4:
                masked[row] = _mask(_short(record))
                continue
            start = width - len(record)
            padded[place, start:] = np.frombuffer(record, np.uint8)
            padded[place, start : start + 4] ^= 0xFF
        for column in np.ascontiguousarray(padded.T):
            register = _TABLE[(register ^ column) & 0xFF] ^ (register >> 8)
        for row, value in zip(rows, register.tolist(), strict=True):
            if len(records[row]) >= 4:
                masked[row] = _mask(value ^ _ALL_ONES)
    return masked


def _batches(records: Sequence[bytes]) -> Iterator[list[int]]:
    """Group records of similar length, to limit the padding."""
    batch: list[int] = []
    for row in sorted(range(len(records)), key=lambda row: len(records[row])):
        length = len(records[row])
        if batch and (length > 2 * len(records[batch[0]]) + 64 or length * len(batch) > _MAX_BATCH_BYTES):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _short(record: bytes) -> int:
    register = _ALL_ONES
    for byte in record:
        register = int(_TABLE[(register ^ byte) & 0xFF]) ^ (register >> 8)
    return register ^ _ALL_ONES


def _mask(checksum: int) -> int:
    return (((checksum >> 15) | (checksum << 17)) + _MASK_DELTA) & _ALL_ONES

"""Samples as Prometheus takes them by remote write, version 1.0: a protobuf message, compressed with Snappy.

A message of two fields and a compression that may leave everything as it is need no library
(prometheus: prompb/remote.proto, prompb/types.proto; snappy: format_description.txt).
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
    "User-Agent": "mesh-tracing-verify",
}
# The types of a field on the wire that are used here.
_VARINT, _FIXED64, _BYTES = 0, 1, 2
# A literal whose length stands in the two bytes that follow.
_LITERAL = 61 << 2
_MAX_LITERAL = 1 << 16


@dataclass(frozen=True)
class Sample:
    """A value of the series with ``labels``, its name among them as ``__name__``, at a Unix time in milliseconds."""

    labels: Mapping[str, str]
    value: float
    milliseconds: int


def body(samples: Iterable[Sample]) -> bytes:
    """The body of the request that writes ``samples``."""
    return _snappy(b"".join(_bytes(1, _time_series(sample)) for sample in samples))


def _time_series(sample: Sample) -> bytes:
    # An empty label is one that is not there, and receivers want them in order.
    labels = sorted((name, value) for name, value in sample.labels.items() if value)
    return b"".join(_bytes(1, _bytes(1, name.encode()) + _bytes(2, value.encode())) for name, value in labels) + _bytes(
        2, _key(1, _FIXED64) + struct.pack("<d", sample.value) + _key(2, _VARINT) + _varint(sample.milliseconds)
    )


def _bytes(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(content)) + content


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:  # noqa: PLR2004  seven bits of each byte are the number's
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _snappy(content: bytes) -> bytes:
    """``content`` in Snappy's block format, in literals alone."""
    parts = (content[start : start + _MAX_LITERAL] for start in range(0, len(content), _MAX_LITERAL))
    return _varint(len(content)) + b"".join(struct.pack("<BH", _LITERAL, len(part) - 1) + part for part in parts)

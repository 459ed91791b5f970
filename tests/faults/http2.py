"""HTTP/2 (RFC 9113) as far as it takes to break single streams of a gRPC connection, or to say farewell to it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_HEAD = 9  # bytes before a frame's payload: length (3), type, flags, stream (4)
_HEADERS, _RST_STREAM, _GOAWAY = 1, 3, 7
# RFC 9113, 7
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 1, 2, 7, 8, 11


class Breaker:
    """Passes a server's frames on, and puts one of its own before every ``every``-th answer.

    The frames of a stream that was reset follow all the same, as they would from a server that had sent them already:
    the state of header compression (HPACK) is one for the connection.
    """

    def __init__(self, every: int, code: int, *, farewell: bool = False) -> None:
        """``farewell``: GOAWAY that names this answer's stream as the last one, instead of the stream's reset."""
        self._every, self._code, self._farewell = every, code, farewell
        self._rest = b""
        self._answered: set[int] = set()
        self.broken = 0

    def __call__(self, data: bytes) -> bytes:
        self._rest += data
        return b"".join(self._passed_on())

    def _passed_on(self) -> Iterator[bytes]:
        while len(self._rest) >= _HEAD:
            end = _HEAD + int.from_bytes(self._rest[:3], "big")
            if len(self._rest) < end:
                return
            frame, self._rest = self._rest[:end], self._rest[end:]
            stream = int.from_bytes(frame[5:_HEAD], "big")
            if frame[3] == _HEADERS and stream not in self._answered:
                self._answered.add(stream)
                if len(self._answered) % self._every == 0:
                    self.broken += 1
                    yield self._own(stream)
            yield frame

    def _own(self, stream: int) -> bytes:
        if self._farewell:
            return _frame(_GOAWAY, 0, struct.pack(">II", stream, self._code))
        return _frame(_RST_STREAM, stream, struct.pack(">I", self._code))


def _frame(kind: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, 0]) + stream.to_bytes(4, "big") + payload

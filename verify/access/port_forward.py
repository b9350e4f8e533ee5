"""A connection to a port of a pod, through the API server.

Each message begins with the number of a channel: 0 has the data, 1 why the forward has failed. The first message of
each channel is the port (kubernetes: staging/src/k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go).
"""

import math
import os
import ssl
import time
from collections.abc import Callable
from typing import TypeVar

import httpcore

from verify.access.deadline import Deadline

PROTOCOL = "v4.channel.k8s.io"

_DATA, _ERROR = 0, 1
_CHUNK = 65536
# WebSocket (RFC 6455, 5.2).
_CONTINUED, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x2, 0x8, 0x9, 0xA
_FINAL, _MASKED, _OPCODE = 0x80, 0x80, 0x0F
_LENGTH, _LENGTH_IN_16, _LENGTH_IN_64 = 0x7F, 126, 127
_MAX_MESSAGE = 1 << 26
# A socket takes 0 for another wish.
_AT_ONCE = 0.001

Result = TypeVar("Result")


class PortForward(httpcore.NetworkStream):
    """The stream of a WebSocket that the API server has accepted, as a stream of the pod's bytes.

    Every read and write raises an error of httpcore within its timeout, however much else the server says meanwhile,
    and ``TimeOverError`` after ``deadline``.
    """

    def __init__(self, below: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._below = below
        self._deadline = deadline
        self._raw = bytearray()
        self._message = bytearray()
        self._data = bytearray()
        self._announced: set[int] = set()
        self._has_ended = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        end = self._end(timeout)
        while not self._data and not self._has_ended:
            self._receive(end, timeout)
        part = bytes(self._data[:max_bytes])
        del self._data[:max_bytes]
        return part

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        end = self._end(timeout)
        for start in range(0, len(buffer), _CHUNK):
            self._send(_BINARY, bytes([_DATA]) + buffer[start : start + _CHUNK], end)

    def close(self) -> None:
        self._below.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Encrypted(self, ssl_context, server_hostname, timeout)

    def _end(self, timeout: float | None) -> float:
        """When a read or write that begins now has to end."""
        seconds = self._deadline.at_most(timeout)
        return math.inf if seconds is None else time.monotonic() + seconds

    def _receive(self, end: float, timeout: float | None) -> None:
        """Take the next frame."""
        head = self._take(2, end, timeout)
        length = head[1] & _LENGTH
        if length >= _LENGTH_IN_16:
            length = int.from_bytes(self._take(2 if length == _LENGTH_IN_16 else 8, end, timeout))
        if head[1] & _MASKED or length > _MAX_MESSAGE:
            raise httpcore.RemoteProtocolError("the API server speaks another protocol than WebSocket")
        opcode, content = head[0] & _OPCODE, self._take(length, end, timeout)
        if opcode == _CLOSE:
            self._has_ended = True
        elif opcode == _PING:
            self._send(_PONG, content, end)
        elif opcode in {_BINARY, _CONTINUED}:
            self._message += content
            if head[0] & _FINAL and self._message:
                self._accept(self._message[0], bytes(self._message[1:]))
                self._message.clear()

    def _accept(self, channel: int, content: bytes) -> None:
        if channel not in self._announced:
            self._announced.add(channel)
        elif channel == _DATA:
            self._data += content
        elif channel == _ERROR:
            raise httpcore.ReadError(f"the port-forward has failed: {content.decode(errors='replace').strip()}")

    def _take(self, count: int, end: float, timeout: float | None) -> bytes:
        while len(self._raw) < count:
            try:
                part = self._below.read(_CHUNK, _until(end))
            except httpcore.ReadTimeout:
                # Raises another error if the time for everything is over.
                self._deadline.at_most(None)
                raise httpcore.ReadTimeout(f"no answer within {timeout:.0f} s" if timeout else "no answer") from None
            if not part:
                raise httpcore.ReadError("the API server has closed the port-forward")
            self._raw += part
        taken = bytes(self._raw[:count])
        del self._raw[:count]
        return taken

    def _send(self, opcode: int, content: bytes, end: float) -> None:
        # Masks are for caches on the way that know no WebSocket. The API server demands one all the same.
        mask = os.urandom(4)
        frame = bytes([_FINAL | opcode]) + _length(len(content)) + mask + _masked(content, mask)
        self._below.write(frame, _until(end))


class _Encrypted(httpcore.NetworkStream):
    """TLS over another stream. Python's own needs a socket, which a port-forward is not."""

    def __init__(
        self, below: httpcore.NetworkStream, context: ssl.SSLContext, hostname: str | None, timeout: float | None
    ) -> None:
        self._below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)
        try:
            self._act(self._tls.do_handshake, timeout)
        except (ssl.SSLError, httpcore.ReadError) as error:
            raise httpcore.ConnectError(str(error)) from error
        except httpcore.ReadTimeout as error:
            raise httpcore.ConnectTimeout(str(error)) from error

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._act(lambda: self._tls.read(max_bytes), timeout)
        except ssl.SSLZeroReturnError:
            return b""
        except ssl.SSLError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._act(lambda: self._tls.write(buffer), timeout)
        except ssl.SSLError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._below.close()

    def _act(self, act: Callable[[], Result], timeout: float | None) -> Result:
        """What ``act`` returns, once it has got what it needs from the other side."""
        end = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            try:
                result = act()
            except ssl.SSLWantReadError:
                self._flush(timeout)
                part = self._below.read(_CHUNK, _until(end))
                if part:
                    self._incoming.write(part)
                else:
                    self._incoming.write_eof()
            else:
                self._flush(timeout)
                return result

    def _flush(self, timeout: float | None) -> None:
        if waiting := self._outgoing.read():
            self._below.write(waiting, timeout)


def _length(count: int) -> bytes:
    if count < _LENGTH_IN_16:
        return bytes([_MASKED | count])
    if count < 1 << 16:
        return bytes([_MASKED | _LENGTH_IN_16]) + count.to_bytes(2)
    return bytes([_MASKED | _LENGTH_IN_64]) + count.to_bytes(8)


def _masked(content: bytes, mask: bytes) -> bytes:
    repeated = (mask * (len(content) // 4 + 1))[: len(content)]
    return (int.from_bytes(content) ^ int.from_bytes(repeated)).to_bytes(len(content))


def _until(end: float) -> float | None:
    """The timeout of something that ends then; what is late fails at once."""
    return None if math.isinf(end) else max(end - time.monotonic(), _AT_ONCE)

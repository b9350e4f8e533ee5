"""Carry connections from listening sockets of the host into the cluster's network namespace.

``python -m local.run.forward FD=HOST:PORT ...`` runs inside the namespace. It inherits listening sockets that were
opened on the host's 127.0.0.1 before the namespace existed, so the host needs no interface, route or rule.
(socat would do, but Debian 12's cannot accept on an inherited socket.)
"""

import asyncio
import socket
import sys
from contextlib import suppress
from functools import partial

CHUNK_BYTES = 64 * 1024


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the stream ends or breaks, then signal that end to the other side."""
    with suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def _carry(host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        # The name is resolved for each connection, because a Service may be created again with another address.
        inner_reader, inner_writer = await asyncio.open_connection(host, port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
    inner_writer.close()
    writer.close()


async def _serve(forwards: dict[int, tuple[str, int]]) -> None:
    servers = [
        await asyncio.start_server(partial(_carry, host, port), sock=socket.socket(fileno=descriptor))
        for descriptor, (host, port) in forwards.items()
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main(arguments: list[str]) -> None:
    """Serve every ``FD=HOST:PORT`` until killed."""
    forwards = {}
    for argument in arguments:
        descriptor, _, target = argument.partition("=")
        host, _, port = target.rpartition(":")
        forwards[int(descriptor)] = (host, int(port))
    asyncio.run(_serve(forwards))


if __name__ == "__main__":
    main(sys.argv[1:])

"""Send commands to Redis over one kept connection, where every microsecond counts.

redis-py's pipeline spends some 170 µs of processor time a call before it sends anything: taking the
connection from its pool, tracing, a task and a timer for each write and read. Its connection alone, with one
time-out around the whole exchange, costs a quarter of that (docs/performance.md) and still handles TLS,
passwords, the protocol's version and reconnecting.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

Command = tuple[bytes | int, ...]


class Exchange:
    """One connection from the pool of `redis`. Use it from one caller at a time.

    timeout_seconds: for all of an exchange, connecting included.
    """

    def __init__(self, redis: "Redis", *, timeout_seconds: float) -> None:
        self._pool = redis.connection_pool
        self._timeout_seconds = timeout_seconds
        self._connection: AbstractConnection | None = None

    async def send(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands and return their replies in order. Retries once if the connection is lost.

        The reply to a command that Redis refused is a ResponseError (see `find_refusal`). Raises RedisError,
        OSError or TimeoutError; Redis may have carried out the commands all the same.
        """
        async with asyncio.timeout(self._timeout_seconds):
            if self._connection is None:
                self._connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
                self._connection.socket_timeout = None
            try:
                return await self._exchange(self._connection, commands)
            except RedisConnectionError:
                return await self._exchange(self._connection, commands)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._pool.release(connection)

    @staticmethod
    async def _exchange(connection: AbstractConnection, commands: Sequence[Command]) -> list[Any]:
        # Connects if necessary. Any error in between, time-outs included, closes the connection, so that no
        # reply is left over for the next exchange.
        await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        replies: list[Any] = []
        for _ in commands:
            try:
                replies.append(await connection.read_response())
            except ResponseError as error:
                replies.append(error)
        return replies


def find_refusal(replies: Sequence[Any]) -> ResponseError | None:
    """The first refusal among replies to commands, or inside the reply to an EXEC."""
    for reply in replies:
        refusal = find_refusal(reply) if isinstance(reply, list) else reply
        if isinstance(refusal, ResponseError):
            return refusal
    return None

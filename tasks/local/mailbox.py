"""The local mailbox: ``python -m tasks.local.mailbox`` takes every mail on the loopback interface and sends none on."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

from redis.exceptions import RedisError

from tasks import settings
from tasks.domain.errors import StartError
from tasks.domain.simulator import DOMAIN
from tasks.local.behaviour import Behaviour, Conversation
from tasks.settings import Settings
from tasks.store.connection import connect
from tasks.store.mailbox import Mailbox

HOST = "127.0.0.1"
_PURGE_SECONDS = 3600
_IDLE_SECONDS = 300


async def serve(config: Settings, stop: asyncio.Event) -> None:
    """Listen until ``stop`` is set; then finish nothing: a mail that was not answered is sent again."""
    mailbox = Mailbox(connect(config.store), config.key_prefix, config.retention_days)
    behaviour = Behaviour(mailbox)

    def conversation() -> Conversation:
        return Conversation(
            behaviour,
            # Dots are stuffed, and aiosmtpd counts them: at worst each line of one dot grows from 3 bytes to 4.
            data_size_limit=config.max_message_bytes * 4 // 3 + 65_536,
            enable_SMTPUTF8=True,
            hostname=DOMAIN,
            ident="Postroom's local mailbox",
            timeout=_IDLE_SECONDS,
        )

    try:
        server = await asyncio.get_running_loop().create_server(conversation, HOST, config.mailbox_port)
    except OSError as problem:
        raise StartError(
            f"cannot listen on {HOST}:{config.mailbox_port} for the local mailbox "
            f"({problem.strerror or problem}): set MAILBOX_PORT to a free port"
        ) from None
    async with server:
        while not stop.is_set():
            with contextlib.suppress(RedisError):  # Redis is away: the next hour will do
                await asyncio.to_thread(mailbox.purge)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _PURGE_SECONDS)


async def _run(config: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(config, stop)


def main() -> None:
    """Run the local mailbox."""
    try:
        asyncio.run(_run(settings.load()))
    except StartError as problem:
        sys.exit(f"postroom: {problem}")


if __name__ == "__main__":
    main()

"""What the local mailbox answers: it takes everything, but for the addresses of :mod:`tasks.domain.simulator`."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from redis.exceptions import RedisError

from tasks.domain import simulator
from tasks.local import capture
from tasks.store.mailbox import Mailbox

AWAY = "451 4.3.0 The mailbox cannot reach its Redis, try again later"
_MALFORMED = "553 5.1.3 That is not an address"
_PARAMETERS = re.compile(r"(?P<path>\s*(?:<(?:\"(?:\\.|[^\"\\])*\"|[^\">])*>|\S+))(?P<rest>.*)", re.DOTALL)


class Letter(Envelope):
    """An envelope that knows which message it carries (RFC 3461's ENVID, for which we send the job's id)."""

    envid: str | None = None

    def message(self, recipient: str) -> str:
        """What tells this message from others: its ENVID; else, as greylisting does, sender and recipient."""
        return self.envid or f"{self.mail_from}>{recipient}"


class Conversation(SMTP):
    """aiosmtpd's server, that also takes RFC 3461's parameters and longer commands."""

    command_size_limit = 998

    def _create_envelope(self) -> Letter:
        return Letter()

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802  (aiosmtpd names it so)
        """MAIL, with RET and ENVID taken off first: aiosmtpd refuses what it does not know."""
        rest, taken = take_parameters(arg, "RET", "ENVID")
        await super().smtp_MAIL(rest)
        if isinstance(self.envelope, Letter) and self.envelope.mail_from:
            self.envelope.envid = taken.get("ENVID")

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        """RCPT, with NOTIFY and ORCPT taken off first."""
        await super().smtp_RCPT(take_parameters(arg, "NOTIFY", "ORCPT")[0])


class Behaviour:
    """aiosmtpd's hooks. Redis is asked in threads, so that one slow answer holds up nobody else."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Offer DSN, so that clients send ENVID."""
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", responses[-1]]

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Any sender will do."""
        if not _is_text(address):
            return _MALFORMED
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender accepted"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Letter, address: str, options: list[str]
    ) -> str:
        """Answer as the address's row says."""
        if not _is_text(address):
            return _MALFORMED
        row = simulator.row_for(address)
        reply = None
        if row is not None:
            await asyncio.sleep(row.pause_seconds)
            try:
                reply = await asyncio.to_thread(self._ask, row, envelope.message(address), address, envelope.envid)
            except RedisError:
                reply = AWAY
        if reply is not None:
            return reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient accepted"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail."""
        source = envelope.original_content or b""
        try:
            await asyncio.to_thread(capture.keep, self._mailbox, envelope.mail_from or "", envelope.rcpt_tos, source)
        except RedisError:
            return AWAY
        if any(row.drops for row in map(simulator.row_for, envelope.rcpt_tos) if row is not None):
            await _hang_up(server)
        return "250 2.0.0 Kept in the local mailbox"

    def _ask(self, row: simulator.Row, message: str, address: str, envid: str | None) -> str | None:
        if not row.remembers:
            return row.reply
        seen = self._mailbox.seen(message, address)
        reply = row.reply_to(seen.count, seen.seconds)
        if reply is None and envid is None:
            # Nothing tells the next message from this one, so let it start anew.
            self._mailbox.forget(message, address)
        return reply


def take_parameters(arg: str | None, *names: str) -> tuple[str | None, dict[str, str]]:
    """``FROM:<a@b> SIZE=9 ENVID=x`` without the named parameters, and their values."""
    keyword, colon, rest = (arg or "").partition(":")
    found = _PARAMETERS.fullmatch(rest)
    if not colon or found is None:
        return arg, {}
    taken: dict[str, str] = {}
    kept: list[str] = []
    for parameter in found["rest"].split():
        name, _, value = parameter.partition("=")
        if name.upper() in names:
            taken[name.upper()] = value
        else:
            kept.append(parameter)
    return " ".join([keyword + colon + found["path"].strip(), *kept]), taken


def _is_text(address: str) -> bool:
    return address.isprintable() and not any("\ud800" <= letter <= "\udfff" for letter in address)


async def _hang_up(server: Any) -> None:
    server.transport.close()
    await asyncio.Event().wait()  # aiosmtpd cancels the conversation when the connection is gone

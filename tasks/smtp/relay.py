"""The SMTP server that messages are handed to: where it is, how it is spoken to, how long it may take."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

from tasks.settings import Settings

Address: TypeAlias = tuple[int, tuple[str, int] | tuple[str, int, int, int]]
"""A socket family, and what ``connect`` takes."""

SLOWEST_BYTES_PER_SECOND = 10_000
"""A relay that takes content more slowly than this is given up."""


@dataclass(frozen=True, slots=True)
class Relay:
    """One relay. Its repr holds no credentials."""

    host: str
    port: int
    tls: str = "none"
    """``starttls``, ``implicit`` or ``none``."""
    ca_file: Path | None = None
    """Certificates to trust in place of the system's."""
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    timeout_seconds: float = 60
    """How long connecting, the TLS handshake, and each reply may take."""
    name: str = ""
    """As pages say it."""
    messages_per_session: int = 100
    session_seconds: float = 300

    @classmethod
    def from_settings(cls, settings: Settings) -> Relay:
        """The relay that the settings name, or the local mailbox."""
        host, port = settings.relay_address
        password = settings.smtp_password
        return cls(
            host=host,
            port=port,
            tls=settings.tls,
            ca_file=settings.smtp_ca_file,
            username=settings.smtp_username,
            password=None if password is None else password.get_secret_value(),
            timeout_seconds=settings.smtp_timeout_seconds,
            name=settings.relay_name,
        )

    @property
    def end_seconds(self) -> float:
        """How long the reply to the final dot may take: longer, since giving up there leaves the outcome unknown."""
        return 5 * self.timeout_seconds

    def errand_seconds(self, size: int) -> float:
        """How long an errand may take up to its final dot, however lively the relay is."""
        return 10 * self.timeout_seconds + size / SLOWEST_BYTES_PER_SECOND

    def tls_context(self) -> ssl.SSLContext:
        """Certificates and host names are checked, always. OSError where the CA file cannot be used."""
        return _tls_context(self.ca_file)

    def look_up(self, seconds: float) -> list[Address]:
        """The relay's addresses, waiting at most so long: OSError with a sentence where there are none.

        A thread does it, because the system's look-up can neither be timed nor be broken off.
        """
        answers: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()
        threading.Thread(target=self._ask, args=(answers,), name="look-up", daemon=True).start()
        try:
            answer = answers.get(timeout=seconds)
        except queue.Empty:
            raise OSError(f"Looking up {self.host} took longer than {seconds:g} seconds.") from None
        if isinstance(answer, OSError):
            raise OSError(f"{self.host} was not found: {answer.strerror or answer}.") from answer
        return answer

    def _ask(self, answers: queue.SimpleQueue[list[Address] | OSError]) -> None:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except UnicodeError:
            answers.put(OSError("it is not a host name"))
        except OSError as problem:
            answers.put(problem)
        else:
            answers.put([(family, address) for family, _, _, _, address in found])  # type: ignore[misc]


@cache
def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context

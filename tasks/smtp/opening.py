"""From the greeting to a session that takes mail: EHLO, STARTTLS, login. A failure here is the relay's, no errand's."""

from __future__ import annotations

import base64
from collections.abc import Generator

from tasks.smtp.envelope import Offers
from tasks.smtp.errand import Reply
from tasks.smtp.relay import Relay

WRAP_NOW = b""
"""Yielded in place of a command: make the TLS handshake, then send any reply to go on."""

Story = Generator[bytes, Reply, Offers]


class OpeningFailed(Exception):
    """The session cannot be opened: ``kind`` is the step, the message a sentence for people."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


class Opening:
    """The story of an opening: it yields commands and is sent their replies, and returns what the server offers."""

    def __init__(self, relay: Relay, hello: str) -> None:
        self._relay = relay
        self._hello = hello
        self.step = "greeting"
        """Where it is, as :meth:`tasks.smtp.errand.Ledger.relay_failed` names it."""
        self._story = self._tell()
        next(self._story)

    def answer(self, reply: Reply) -> bytes:
        """Go on with this reply: the next command, or WRAP_NOW. StopIteration holds the offers when it is open."""
        return self._story.send(reply)

    def _tell(self) -> Story:
        greeting = yield b""
        if greeting.code != 220:
            raise self._failed("greeted us with", greeting)
        offers = yield from self._say_hello()
        if self._relay.tls == "starttls":
            self.step = "tls"
            if not offers.starttls:
                raise OpeningFailed("tls", "The relay does not offer STARTTLS, and nothing is sent without it.")
            reply = yield b"STARTTLS\r\n"
            if reply.code != 220:
                raise self._failed("answered STARTTLS with", reply)
            yield WRAP_NOW
            offers = yield from self._say_hello()
        if self._relay.username is not None:
            self.step = "auth"
            yield from self._log_in(offers)
        return offers

    def _say_hello(self) -> Story:
        self.step = "ehlo"
        reply = yield f"EHLO {self._hello}\r\n".encode()
        if reply.code == 250:
            return Offers.parse(reply)
        if reply.code // 100 != 5:
            raise self._failed("answered EHLO with", reply)
        reply = yield f"HELO {self._hello}\r\n".encode()
        if reply.code != 250:
            raise self._failed("answered HELO with", reply)
        return Offers()

    def _log_in(self, offers: Offers) -> Generator[bytes, Reply, None]:
        if self._relay.tls == "none":
            raise OpeningFailed("auth", "The password is not sent over a connection without TLS.")
        user, password = (self._relay.username or "").encode(), (self._relay.password or "").encode()
        if "PLAIN" in offers.logins:
            reply = yield b"AUTH PLAIN %b\r\n" % base64.b64encode(b"\0%b\0%b" % (user, password))
        elif "LOGIN" in offers.logins:
            reply = yield b"AUTH LOGIN\r\n"
            for secret in (user, password):
                if reply.code != 334:
                    break
                reply = yield b"%b\r\n" % base64.b64encode(secret)
        else:
            offered = ", ".join(sorted(offers.logins)) or "none"
            raise OpeningFailed("auth", f"The relay offers no login that we know (PLAIN, LOGIN); it offers {offered}.")
        if reply.code != 235:
            raise self._failed("refused the login with", reply)

    def _failed(self, did: str, reply: Reply) -> OpeningFailed:
        return OpeningFailed(self.step, f"The relay {did} {self._without_secrets(str(reply))}")

    def _without_secrets(self, text: str) -> str:
        """Some servers repeat the command that they did not like."""
        user, password = self._relay.username or "", self._relay.password or ""
        for secret in (f"\0{user}\0{password}", user, password):
            if secret.strip("\0"):
                text = text.replace(base64.b64encode(secret.encode()).decode(), "(secret)")
        return text.replace(password, "(secret)") if password else text

"""What the server offers, and the commands that hand it an errand's envelope; or why we need not even ask it."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.smtp.errand import Errand, Reply


@dataclass(frozen=True, slots=True)
class Offers:
    """The extensions that EHLO's reply names, those that we use."""

    pipelining: bool = False
    size: int | None = None
    """The largest message that it takes; 0 where it names no limit, None where it does not offer SIZE."""
    eightbit: bool = False
    smtputf8: bool = False
    dsn: bool = False
    starttls: bool = False
    logins: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, reply: Reply) -> Offers:
        """Read EHLO's reply: after its first line, a keyword and its parameters each."""
        named: dict[str, list[str]] = {}
        for line in reply.text.split("\n")[1:]:
            # Old servers write AUTH=LOGIN.
            words = line.upper().replace("=", " ").split()
            if words:
                named.setdefault(words[0], []).extend(words[1:])
        limit = next((word for word in named.get("SIZE", ()) if word.isascii() and word.isdigit()), "0")
        return cls(
            pipelining="PIPELINING" in named,
            size=int(limit) if "SIZE" in named else None,
            eightbit="8BITMIME" in named,
            smtputf8="SMTPUTF8" in named,
            dsn="DSN" in named,
            starttls="STARTTLS" in named,
            logins=frozenset(named.get("AUTH", ())),
        )


def octets(content: bytes) -> int:
    """The size of a content in wire form as SIZE counts it (RFC 1870): without the dots that stuffing added."""
    return len(content) - content.count(b"\n..") - content.startswith(b"..")


def commands(errand: Errand, offers: Offers, size: int) -> list[str]:
    """MAIL, a RCPT for each recipient, DATA."""
    mail = f"MAIL FROM:<{errand.mail_from}>"
    if offers.size is not None:
        mail += f" SIZE={size}"
    if errand.smtputf8:
        mail += " BODY=8BITMIME SMTPUTF8" if offers.eightbit else " SMTPUTF8"
    if offers.dsn:
        mail += f" ENVID={errand.job_id}"
    return [mail, *[f"RCPT TO:<{address}>" for address in errand.rcpt_tos], "DATA"]


def refusal(errand: Errand, offers: Offers, size: int, lines: list[str]) -> Reply | None:
    """Why this server cannot take the errand, said in its place; None where it may be asked."""
    if errand.smtputf8 and not offers.smtputf8:
        return Reply(553, "5.6.7 The relay does not offer SMTPUTF8, which this message's addresses or headers need.")
    if offers.size and size > offers.size:
        return Reply(552, f"5.3.4 The message has {size:,} bytes; the relay takes at most {offers.size:,}.")
    text = "".join(lines)
    if "\r" in text or "\n" in text or not (errand.smtputf8 or text.isascii()):
        return Reply(553, "5.1.3 An address of this message cannot be written in an envelope.")
    if not errand.content.endswith(b"\r\n"):
        return Reply(554, "5.6.0 The message does not end in a line end.")
    return None

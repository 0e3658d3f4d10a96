"""``python -m tests.bench.builder``: our message builder against the standard library's, by themselves."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.generator import BytesGenerator
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from io import BytesIO

from tasks.domain.ids import make_id
from tasks.domain.message import build
from tasks.domain.spec import Defaults, JobSpec, parse
from tests.bench.figures import Findings, alternate
from tests.bench.mails import KB1, KB20, SENDER, Mail

DEFAULTS = Defaults(SENDER, 8, 86_400, 25_000_000)
ACCENTS = Mail("Grüße aus Köln, und ein € dazu.\n" * 25)
CASES = {"1 kB": KB1, "1 kB, not ASCII": ACCENTS, "20 kB with HTML": KB20}


def measure(rounds: int, times: int) -> Findings:
    """Microseconds a message, from parsed fields to bytes ready for DATA."""
    found = Findings()
    for name, mail in CASES.items():
        ours, theirs = f"Postroom's builder, {name}", f"EmailMessage, {name}"
        variants = {ours: partial(_time, _ours(mail), times), theirs: partial(_time, _theirs(mail), times)}
        found.add(alternate(rounds, variants), "us")
        found.notes.append(f"{name}: {found.series[theirs].median / found.series[ours].median:.0f} times as fast")
    return found


def _time(make: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        make()
    return (time.perf_counter() - began) / times * 1e6


def _ours(mail: Mail) -> Callable[[], object]:
    spec = parse(mail.body(1), DEFAULTS)
    assert isinstance(spec, JobSpec)
    accepted = datetime.now(UTC)
    job_id = make_id(int(accepted.timestamp() * 1000), bytes(10))
    return lambda: build(spec, job_id, accepted)


def _theirs(mail: Mail) -> Callable[[], object]:
    """As ``smtplib.send_message`` and ``data`` make it."""
    body = mail.body(1)

    def make() -> bytes:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = SENDER, body["to"], body["subject"]
        message.set_content(body["text"])
        if mail.html:
            message.add_alternative(mail.html, subtype="html")
        flat = BytesIO()
        BytesGenerator(flat, policy=SMTP).flatten(message)
        return smtplib._quote_periods(flat.getvalue())  # type: ignore[attr-defined,no-any-return]

    return make


def main() -> None:
    from tests.bench.report import lines

    print("\n".join(lines("builder", measure(5, 500))))


if __name__ == "__main__":
    main()

"""A submission: from what JSON or the form gave to a :class:`JobSpec`, or to all that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import Any

from tasks import clock
from tasks.domain import fields, lists, message
from tasks.domain.address import Address
from tasks.domain.attachment import Attachment
from tasks.domain.jobspec import JobSpec
from tasks.domain.wording import Wrong, quoted, shown, size

__all__ = ["Address", "Attachment", "Defaults", "FieldError", "JobSpec", "parse"]

RECIPIENTS = ("to", "cc", "bcc")
RECIPIENTS_LIMIT = 50
ERRORS_LIMIT = 100
"""So many are told at once: enough for people, and no work for who sends rubbish by the megabyte."""
AHEAD_LIMIT = timedelta(days=366)
GIVE_UP_LIMIT_SECONDS = 30 * 86_400


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong: where (``attachments.0.content``; "" for the whole), and a sentence that helps."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a submission may leave to the settings, and the bound they set."""

    sender: str | None
    max_attempts: int
    give_up_after_seconds: int
    max_message_bytes: int


READERS: dict[str, Callable[[object], object]] = {
    "from": lists.one_address,
    "to": lists.addresses,
    "cc": lists.addresses,
    "bcc": lists.addresses,
    "reply_to": lists.few_addresses,
    "subject": fields.subject,
    "text": fields.plain_text,
    "html": fields.plain_text,
    "headers": lists.headers,
    "attachments": lists.attachments,
    "send_at": fields.instant,
    "priority": fields.one_of("high", "normal", "low"),
    "tags": lists.tags,
    "max_attempts": fields.whole(1, 100),
    "give_up_after_seconds": fields.whole(1, GIVE_UP_LIMIT_SECONDS),
    "on_unknown": fields.one_of("hold", "resend"),
}
"""Every field of a submission, in the order in which errors are told."""

_OTHER_NAMES = {"body": "text", "message": "text", "recipient": "to", "recipients": "to", "sender": "from"}


def parse(body: object, defaults: Defaults, now: datetime | None = None) -> JobSpec | list[FieldError]:
    """The job that a submission asks for, or every error in it. A field that is null or blank counts as left out."""
    if not isinstance(body, Mapping):
        return [FieldError("", "The submission must be a JSON object with fields such as to, subject and text.")]
    given = {name: value for name, value in body.items() if not _is_blank(value)}
    usual = _usual(defaults)
    read, errors = _read(given)
    values = {**usual, **read}
    _fold_recipients(values)
    errors += _missing({*usual, *given}, values, {error.field for error in errors})
    asked_send_at = values.get("send_at")
    errors += _check_send_at(values, now or clock.now())
    errors += [_unknown(str(name)) for name in islice((name for name in body if name not in READERS), ERRORS_LIMIT)]
    if errors:
        return errors[:ERRORS_LIMIT]
    spec = JobSpec.model_validate(values)
    spec._from_settings = _as_usual(values, usual)
    spec._asked_send_at = asked_send_at
    problem = too_large(spec, defaults)
    return [problem] if problem else spec


def too_large(spec: JobSpec, defaults: Defaults) -> FieldError | None:
    """The error of a message that is larger than the relay is to be given."""
    if message.size_at_most(spec) <= defaults.max_message_bytes:
        return None
    octets = message.size_of(spec)
    if octets <= defaults.max_message_bytes:
        return None
    actual, limit = size(octets), size(defaults.max_message_bytes)
    if actual == limit:
        actual, limit = f"{octets:,} bytes", f"{defaults.max_message_bytes:,} bytes"
    allowed = f"The message would be {actual} as sent, and at most {limit} is allowed"
    if spec.attachments:
        return FieldError("attachments", f"{allowed}: send fewer or smaller files (they grow by a third on their way).")
    return FieldError("html" if spec.html is not None else "text", f"{allowed}: shorten it.")


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _read(given: Mapping[str, object]) -> tuple[dict[str, Any], list[FieldError]]:
    """What could be read, and what was wrong."""
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, read in READERS.items():
        if name not in given:
            continue
        try:
            values[name] = read(given[name])
        except Wrong as wrong:
            errors += [
                FieldError(shown(f"{name}.{place}", 120) if place else name, text) for place, text in wrong.problems
            ]
    return values, errors


@lru_cache(maxsize=8)
def _usual(defaults: Defaults) -> Mapping[str, Any]:
    """The fields that the settings give where the submission does not."""
    numbers = {"max_attempts": defaults.max_attempts, "give_up_after_seconds": defaults.give_up_after_seconds}
    values, _ = _read(numbers | ({"from": defaults.sender} if defaults.sender else {}))
    return values


def _as_usual(values: Mapping[str, Any], usual: Mapping[str, Any]) -> frozenset[str]:
    """The names, as JobSpec has them, of the fields whose value is what the settings give."""
    return frozenset("sender" if name == "from" else name for name in usual if values[name] == usual[name])


def _fold_recipients(values: dict[str, Any]) -> None:
    """Who is named more than once gets one copy, as the first of to, cc and bcc says."""
    seen: set[str] = set()
    for name in RECIPIENTS:
        values[name] = tuple(address for address in values.get(name, ()) if address.wire not in seen)
        seen.update(address.wire for address in values[name])


def _missing(given: set[str], values: Mapping[str, Any], wrong: set[str]) -> list[FieldError]:
    errors = []
    if "from" not in given:
        errors.append(FieldError("from", "Say whom the message is from: there is no default sender (EMAIL_FROM)."))
    count = sum(len(values[name]) for name in RECIPIENTS)
    if not count and not wrong.intersection(RECIPIENTS):
        errors.append(FieldError("to", "Give at least one recipient, in to, cc or bcc."))
    if count > RECIPIENTS_LIMIT:
        errors.append(
            FieldError("to", f"These are {count} recipients: a job takes at most {RECIPIENTS_LIMIT} in to, cc and bcc.")
        )
    if "text" not in given and "html" not in given:
        errors.append(FieldError("text", "Write a message: give text, html or both."))
    return errors


def _check_send_at(values: dict[str, Any], now: datetime) -> list[FieldError]:
    """Not too far ahead; and what is past means now."""
    send_at = values.get("send_at")
    if send_at is None:
        return []
    if send_at > now + AHEAD_LIMIT:
        return [FieldError("send_at", "This is more than a year ahead: choose an earlier time.")]
    if send_at <= now:
        del values["send_at"]
    return []


def _unknown(name: str) -> FieldError:
    near = [_OTHER_NAMES[name]] if name in _OTHER_NAMES else get_close_matches(name[:60], READERS, n=1)
    hint = f"did you mean {near[0]}?" if near else "leave it out."
    return FieldError(shown(name), f"There is no field {quoted(name)}: {hint}")

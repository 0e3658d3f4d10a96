"""Which jobs are meant: the filter of a list, an export or a bulk, as its words in a URL or in JSON say it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.clock import rfc3339, to_us
from tasks.domain import fields, ids
from tasks.domain.address import Address, AddressError
from tasks.domain.job import Job
from tasks.domain.spec import FieldError
from tasks.domain.states import State
from tasks.domain.wording import Wrong, quoted

PRIORITIES = ("high", "normal", "low")
CLOCKS_APART_US = 10_000_000
"""How far the clock of a web host, which makes ids, may be from Redis's, which says when a job was accepted, so that a
job is found by the beginning of its id. By the whole id it is found in any case."""

_TEXT_LIMIT = 1000
_PREFIX = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{0,24}")
_DIGEST = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Filter:
    """All that is named must be true of a job; what is None does not matter."""

    state: State | None = None
    recipient: str | None = None
    """In wire form and lower case: an address, or ``@domain`` for all of it."""
    tag: str | None = None
    batch: str | None = None
    priority: str | None = None
    since_us: int | None = None
    """Accepted then or later."""
    until_us: int | None = None
    """Accepted before then."""
    reason: str | None = None
    """The digest of a dead letter's reason."""
    q: str | None = None
    """An id, the beginning of one, or a Message-ID."""

    @property
    def job_id(self) -> str | None:
        """The one job that ``q`` names, if it names one ("" for a Message-ID that cannot be ours)."""
        if self.q is None:
            return None
        if "@" in self.q:
            left = self.q.partition("@")[0]
            return left if ids.is_id(left) else ""
        return self.q if ids.is_id(self.q) else None

    @property
    def window(self) -> tuple[int | None, int | None]:
        """The instants of acceptance from (included) and to (excluded) which it is worth looking."""
        low, high = self.since_us, self.until_us
        if self.q is not None and self.job_id is None:
            first, last = ids.range_ms(self.q)
            low = max(low or 0, first * 1000 - CLOCKS_APART_US)
            high = min(high or 1 << 62, last * 1000 + CLOCKS_APART_US)
        return low, high

    def matches(self, job: Job) -> bool:
        """Is the job meant?"""
        return (
            self.state in (None, job.head.state)
            and (self.recipient is None or any(self._is_recipient(each) for each in job.card.rcpt_tos))
            and (self.tag is None or self.tag in job.card.tags)
            and self.batch in (None, job.card.batch)
            and self.priority in (None, job.card.priority)
            and (self.since_us is None or job.accepted_us >= self.since_us)
            and (self.until_us is None or job.accepted_us < self.until_us)
            and self.reason in (None, job.reason)
            and self._is_named(job)
        )

    def words(self) -> dict[str, str]:
        """As a URL's parameters; :func:`parse` reads them."""
        found = {
            name: getattr(self, name) for name in ("state", "recipient", "tag", "batch", "priority", "reason", "q")
        }
        found["since"] = rfc3339(self.since_us, "microseconds") if self.since_us is not None else None
        found["until"] = rfc3339(self.until_us, "microseconds") if self.until_us is not None else None
        return {name: str(value) for name, value in found.items() if value is not None}

    def _is_recipient(self, address: str) -> bool:
        address = address.lower()
        wanted = self.recipient or ""
        return address.endswith(wanted) if wanted.startswith("@") else address == wanted

    def _is_named(self, job: Job) -> bool:
        if self.q is None:
            return True
        return job.message_id.strip("<>") == self.q if "@" in self.q else job.id.startswith(self.q)


def parse(words: Mapping[str, Any]) -> Filter | list[FieldError]:
    """The filter that words say, or what is wrong with them. What is blank or null counts as left out."""
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, value in words.items():
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if name not in READERS:
            errors.append(FieldError(name, f"There is no filter {quoted(name)}. Filters: {', '.join(READERS)}."))
            continue
        field, read = READERS[name]
        try:
            values[field] = read(value)
        except Wrong as wrong:
            errors += [FieldError(name, sentence) for _, sentence in wrong.problems]
    return errors or Filter(**values)


def _text(value: object) -> str:
    text = fields.plain_text(value).strip()
    if len(text) > _TEXT_LIMIT:
        raise Wrong(f"This is too long: use at most {_TEXT_LIMIT} characters.")
    return text


def _state(value: object) -> State:
    text = _text(value)
    if text not in list(State):
        raise Wrong(f"{quoted(text)} is not a state. States: {', '.join(State)}.")
    return State(text)


def _recipient(value: object) -> str:
    text = _text(value)
    whole = f"x{text}" if text.startswith("@") else text
    if "@" not in text:
        raise Wrong("A recipient is an address, such as ann@example.org, or @example.org for everybody there.")
    if not whole.isascii():
        try:
            whole = Address("", whole).wire
        except AddressError as problem:
            raise Wrong(str(problem)) from None
    return (whole[1:] if text.startswith("@") else whole).lower()


def _instant(value: object) -> int:
    return to_us(fields.instant(value))


def _digest(value: object) -> str:
    text = _text(value)
    if not _DIGEST.fullmatch(text):
        raise Wrong("A reason is named by its digest: 16 hexadecimal digits, as the dead letters' groups have them.")
    return text


def _query(value: object) -> str:
    text = _text(value)
    if "@" in text:
        return text.strip("<>")
    text = text.lower()
    if not (_PREFIX.fullmatch(text) or ids.is_id(text)):
        raise Wrong(f"{quoted(text)} is neither a job's id, nor the beginning of one, nor a Message-ID.")
    return text


READERS: dict[str, tuple[str, Callable[[object], Any]]] = {
    "state": ("state", _state),
    "recipient": ("recipient", _recipient),
    "tag": ("tag", _text),
    "batch": ("batch", _text),
    "priority": ("priority", fields.one_of(*PRIORITIES)),
    "since": ("since_us", _instant),
    "until": ("until_us", _instant),
    "reason": ("reason", _digest),
    "q": ("q", _query),
}
"""Every word of a filter: the field that it sets, and its reader."""

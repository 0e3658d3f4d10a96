"""A job as it was asked for."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from tasks.domain.address import Address
from tasks.domain.attachment import Attachment


class JobSpec(BaseModel):
    """A job as it was asked for, parsed. An address stands once in all of ``to``, ``cc`` and ``bcc``."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    sender: Address = Field(alias="from")
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    headers: dict[str, str] = {}
    attachments: tuple[Attachment, ...] = ()
    send_at: datetime | None = None
    """In UTC; None means now."""
    priority: Literal["high", "normal", "low"] = "normal"
    tags: tuple[str, ...] = ()
    max_attempts: int
    give_up_after_seconds: int
    on_unknown: Literal["hold", "resend"] = "hold"

    _from_settings: frozenset[str] = PrivateAttr(frozenset())
    """The fields whose value is what the settings say anyway."""
    _asked_send_at: datetime | None = PrivateAttr(None)
    """``send_at`` as given, even where it is past."""

    @property
    def rcpt_tos(self) -> list[str]:
        """The envelope's recipients, in wire form: to, cc, bcc."""
        return [address.wire for address in (*self.to, *self.cc, *self.bcc)]

    @property
    def smtputf8(self) -> bool:
        """Some address has a local part that only an SMTPUTF8 server can take."""
        return any(address.smtputf8 for address in (self.sender, *self.to, *self.cc, *self.bcc, *self.reply_to))

    @property
    def asked_send_at(self) -> datetime | None:
        """The ``send_at`` that was asked for. Whether it is past, Redis's clock decides: this host's may be wrong."""
        return self._asked_send_at

    def fingerprint(self) -> str:
        """A hash of what was asked for. What was left out counts as much as its default said outright, and neither the
        settings nor the clock have a part in it, so that the same submission has the same hash tomorrow."""
        asked = {
            name: getattr(self, name)
            for name, field in type(self).model_fields.items()
            if name not in self._from_settings and getattr(self, name) != field.default
        }
        if self._asked_send_at is not None:
            asked["send_at"] = self._asked_send_at
        canonical = json.dumps(asked, default=_canonical, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def _canonical(value: object) -> Any:
    """What JSON has no form for; an attachment by its hash."""
    if isinstance(value, Address):
        return [value.name, value.address]
    if isinstance(value, Attachment):
        return [value.filename, value.content_type, hashlib.sha256(value.content).hexdigest()]
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value)} has no canonical form")

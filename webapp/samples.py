"""Documents made by hand for the style guide: every state, and what is too long for its place."""

from __future__ import annotations

from typing import Any

from tasks.domain.states import STATES, State
from webapp.documents import (
    AttemptDocument,
    CountDocument,
    ExchangeDocument,
    JobDocument,
    JobsDocument,
    JobSummary,
    MailboxDocument,
    MailDocument,
    MessageDocument,
    PartDocument,
    RecipientDocument,
    ReplyDocument,
    TimelineDocument,
)
from webapp.messages import WIDTHS, Reading

ID = "01hgw2bbg0000000000000000"
AT = "2025-11-12T14:03:05.312Z"
LATER = "2035-11-12T14:03:05.312Z"
TROUBLE = "Redis, which keeps the jobs, cannot be reached. Is it running?"
LONG = "A very long subject that goes on and on without an end in sight, " * 8
UNBROKEN = "x" * 400

OUTCOMES = {
    State.SCHEDULED: "pending",
    State.QUEUED: "pending",
    State.SENDING: "pending",
    State.RETRYING: "deferred",
    State.SENT: "accepted",
    State.PARTIAL: "rejected",
    State.DEAD: "rejected",
    State.UNKNOWN: "unknown",
    State.DISCARDED: "rejected",
    State.CANCELED: "pending",
}
REPLIES = {
    "accepted": ReplyDocument(code=250, text="2.0.0 Ok: queued as 4F2A91"),
    "deferred": ReplyDocument(code=451, text="4.7.1 Greylisted, please try again in 5 minutes"),
    "rejected": ReplyDocument(code=550, text="5.1.1 No such user here"),
}


def jobs() -> dict[str, JobDocument]:
    """A job in each state, and some that are too much."""
    found = {state.value.capitalize(): job(state) for state in State}
    many = [recipient(number, ("accepted", "rejected", "deferred")[number % 3]) for number in range(50)]
    tries = [attempt(number, "deferred") for number in range(1, 131)]
    found["Much of everything"] = job(
        State.DEAD,
        subject=LONG,
        headline=f"Refused by the relay: 550 {UNBROKEN}",
        tags=[f"tag-{number}" for number in range(20)],
        recipients=many,
        attempts=tries,
        attempt=130,
        max_attempts=130,
        timeline=[event("attempt", f"Attempt {each.number}. {each.summary}") for each in tries],
    )
    reply = ReplyDocument(code=550, text="\n".join([UNBROKEN, "Second line of many.", LONG]))
    unbroken = RecipientDocument(
        address=f"{UNBROKEN[:64]}@{UNBROKEN[:60]}.example", kind="to", outcome="rejected", reply=reply, attempt=1
    )
    found["Unbroken words"] = job(State.PARTIAL, subject=UNBROKEN, sender=UNBROKEN, recipients=[unbroken])
    return found


def job(state: State, **changes: Any) -> JobDocument:
    """One in this state."""
    outcome = OUTCOMES[state]
    tried = outcome != "pending"
    values: dict[str, Any] = {
        "id": f"{ID}{list(State).index(state)}",
        "state": state,
        "final": STATES[state].final,
        "headline": "Deferred by the relay: 451 4.7.1 Greylisted, please try again in 5 minutes"
        if state == State.RETRYING
        else f"What a job that is {state} has to tell.",
        "next_step": None if STATES[state].final else "Attempt 2 of 8 follows.",
        "celery_state": STATES[state].celery,
        "revision": 3,
        "sender": "Shop <shop@mailbox.test>",
        "to": ["Ann Example <ann@mailbox.test>"],
        "cc": ["bob@mailbox.test"],
        "bcc": [],
        "reply_to": ["desk@mailbox.test"],
        "subject": "Your order is on its way",
        "priority": "normal",
        "tags": ["order", "shop"],
        "batch": None,
        "message_id": f"<{ID}@mailbox.test>",
        "size_bytes": 6_231,
        "relay": "local mailbox",
        "accepted_at": AT,
        "send_at": LATER if state == State.SCHEDULED else None,
        "finished_at": AT if STATES[state].final else None,
        "next_attempt_at": LATER if state in (State.SCHEDULED, State.RETRYING) else None,
        "give_up_at": None if STATES[state].final else LATER,
        "attempt": 1 if tried else 0,
        "max_attempts": 8,
        "on_unknown": "hold",
        "recipients": [recipient(1, outcome), recipient(2, "accepted" if tried else "pending", "cc")],
        "attempts": [attempt(1, outcome)] if tried else [],
        "timeline": [event("accepted", "Accepted and kept in Redis."), event("attempt", "Attempt 1. Deferred.")],
        "actions": [verb.value for verb in STATES[state].verbs],
        "url": f"/jobs/{ID}0",
    }
    return JobDocument.model_validate(values | changes)


def recipient(number: int, outcome: Any, kind: Any = "to") -> RecipientDocument:
    """One with this outcome."""
    address = f"Person {number} <person-{number}@mailbox.test>"
    return RecipientDocument(address=address, kind=kind, outcome=outcome, reply=REPLIES.get(outcome), attempt=1)


def attempt(number: int, outcome: str) -> AttemptDocument:
    """One that ended so."""
    reply = REPLIES.get(outcome)
    steps = [
        ("MAIL FROM:<shop@mailbox.test> SIZE=6231", ReplyDocument(code=250, text="2.1.0 Sender accepted"), 0.012),
        ("RCPT TO:<ann@mailbox.test>", ReplyDocument(code=250, text="2.1.5 Recipient accepted"), 0.025),
        ("DATA", ReplyDocument(code=354, text="End data with <CR><LF>.<CR><LF>"), 0.031),
        ("(content, 6,231 bytes)", reply, 0.42),
    ]
    counts = {name: int(name == outcome) for name in ("accepted", "deferred", "rejected", "unknown")}
    return AttemptDocument(
        number=number,
        worker="host:4711",
        relay="local mailbox",
        started_at=AT,
        duration_seconds=0.42,
        summary=f"{outcome.capitalize()}: {reply.code} {reply.text}" if reply else "The connection was lost.",
        fault=None if reply else "The relay closed the connection after the final dot.",
        exchanges=[ExchangeDocument(command=command, reply=said, at_seconds=at) for command, said, at in steps],
        **counts,
    )


def event(word: str, text: str) -> TimelineDocument:
    """One thing that happened."""
    return TimelineDocument(at=AT, event=word, text=text)


def lists() -> dict[str, tuple[JobsDocument, dict[str, str]]]:
    """The job list, with what it may hold."""
    rows = [_summary(state) for state in State]
    rows.append(_summary(State.DEAD, id=f"{ID}z", subject=UNBROKEN, to=[f"{UNBROKEN}@mailbox.test"], recipients=50))
    return {
        "Every state": (_list(rows), {}),
        "None in this state": (_list([], 12), {"state": "dead"}),
        "None that matches": (_list([], 12), {"recipient": "nobody@mailbox.test"}),
        "None at all": (_list([]), {}),
    }


def _list(rows: list[JobSummary], others: int = 0) -> JobsDocument:
    counts = {"all": len(rows) + others} | {state.value: 1 if rows else 0 for state in State}
    return JobsDocument(jobs=rows, next_cursor=None, counts=counts, matching=CountDocument(count=len(rows), exact=True))


def _summary(state: State, **changes: Any) -> JobSummary:
    full = job(state).model_dump()
    return JobSummary.model_validate(
        {name: full[name] for name in JobSummary.model_fields if name in full} | {"recipients": 2} | changes
    )


def mail(number: int = 0, **changes: Any) -> MailDocument:
    """A captured mail."""
    values: dict[str, Any] = {
        "id": f"{ID}{number}",
        "received_at": AT,
        "mail_from": "shop@mailbox.test",
        "rcpt_tos": ["ann@mailbox.test", "bob@mailbox.test"],
        "sender": "Shop <shop@mailbox.test>",
        "to": "Ann Example <ann@mailbox.test>",
        "subject": "Your order is on its way",
        "message_id": f"<{ID}0@mailbox.test>",
        "job_id": f"{ID}0",
        "size_bytes": 6_231,
        "unread": number % 2 == 0,
    }
    return MailDocument.model_validate(values | changes)


def mailboxes() -> dict[str, tuple[MailboxDocument, dict[str, str]]]:
    """The mailbox, with what it may hold."""
    mails = [mail(number) for number in range(4)]
    mails.append(mail(5, subject=UNBROKEN, sender=UNBROKEN, rcpt_tos=[UNBROKEN]))
    mails.append(mail(6, subject="", sender=""))
    nothing = {"q": "", "recipient": "", "cursor": ""}
    return {
        "Unread and read": (_box(mails, 6, None), nothing),
        "A search": (_box(mails[:2], 5_000, 2_000), nothing | {"q": "order", "recipient": "ann@mailbox.test"}),
        "Nothing found": (_box([], 6, 6), nothing | {"q": "nowhere"}),
        "Empty": (_box([], 0, None), nothing),
    }


def _box(mails: list[MailDocument], count: int, searched: int | None) -> MailboxDocument:
    cursor = f"{ID}9" if searched and searched < count else None
    return MailboxDocument(messages=mails, count=count, unread=min(count, 3), searched=searched, next_cursor=cursor)


def readings() -> dict[str, Reading | None]:
    """A message in each of its views."""
    message = MessageDocument(
        headers=[("From", "Shop <shop@mailbox.test>"), ("Subject", LONG), ("X-Long", "y" * 998)],
        text=f"Hello Ann,\n\nwe have handed order 4711 to the carrier.\n\n{UNBROKEN}\n",
        html="<h1>Hello</h1>",
        attachments=[
            PartDocument(index=0, filename="invoice-4711.pdf", content_type="application/pdf", size_bytes=48_211),
            PartDocument(index=1, filename=f"{UNBROKEN}.pdf", content_type="application/pdf", size_bytes=1),
        ],
        size_bytes=6_231,
    )
    shown: dict[str, Reading | None] = {
        view.capitalize(): _reading(message, view) for view in ("text", "headers", "source")
    }
    return shown | {"No longer kept": None}


def _reading(message: MessageDocument, view: str) -> Reading:
    source = f"Subject: {LONG}\n\n{UNBROKEN}" if view == "source" else None
    return Reading(
        message=message, url=f"/jobs/{ID}0", fragment="", view=view, source=source, width=WIDTHS[0], widths=WIDTHS
    )

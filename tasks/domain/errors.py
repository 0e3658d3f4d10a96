"""Errors with a name. Outcomes of delivery are values, not these."""

from __future__ import annotations


class PostroomError(Exception):
    """The root of ours. The message is a sentence for people."""


class StartError(PostroomError):
    """The process cannot start as it is set up; the message is the one line to print."""


# The three below are what Celery's result of a job that was not sent says; they are recorded, never raised by us.


class JobDead(PostroomError):
    """Refused, or attempts or time used up."""


class JobPartlySent(PostroomError):
    """Accepted for some recipients, refused for others."""


class JobOutcomeUnknown(PostroomError):
    """Nobody can know whether the relay took it."""


class JobDiscarded(PostroomError):
    """An operator put it away."""

"""``/styleguide``, in development only: every part of the pages in every state, from documents made by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from flask import Blueprint, Flask, Response, render_template
from flask.blueprints import BlueprintSetupState
from markupsafe import Markup

from webapp import charts, forms, job_list, samples, samples_operations
from webapp.polling import Live
from webapp.rendering import page

bp = Blueprint("styleguide", __name__)

STILL = Live("", "", None)
_NAMING = re.compile(r' (id|for|aria-labelledby|aria-describedby|href)="(#?)([^"/]+)"')
_LANDMARK = re.compile(r"<(?:section|nav|header)\b([^>]*)>")
_LANDMARK_END = re.compile(r"</(?:section|nav|header)>")
_LABEL = re.compile(r' aria-label(?:ledby)?="[^"]*"')
_ALIVE = re.compile(r' (?:data-fragment="[^"]*"|aria-live="\w+"|role="alert"|autofocus)')
_HEADING = re.compile(r"<(/?)h([12])\b")

Sample = tuple[str, Markup]


@bp.record_once
def _install(state: BlueprintSetupState) -> None:
    cast(Flask, state.app).jinja_env.globals.update(samples=samples)


@bp.get("/styleguide")
def styleguide() -> Response:
    """All at once."""
    return page("pages/styleguide.html", sections=[(title, make()) for title, make in SECTIONS.items()])


def _jobs() -> list[Sample]:
    return [_sample(name, "partials/_job.html", job=job) for name, job in samples.jobs().items()]


def _rows() -> list[Sample]:
    return [
        _sample(name, "partials/_jobs.html", jobs=document, list=job_list.listed(words, None))
        for name, (document, words) in samples.lists().items()
    ]


def _mailbox() -> list[Sample]:
    return [
        _sample(name, "partials/_mailbox.html", mailbox=document, asked=asked)
        for name, (document, asked) in samples.mailboxes().items()
    ]


def _mail() -> list[Sample]:
    return [_sample("A mail's head", "partials/_mail_head.html", mail=samples.mail())]


def _messages() -> list[Sample]:
    return [_sample(name, "partials/_message.html", reading=reading) for name, reading in samples.readings().items()]


def _forms() -> list[Sample]:
    wrong = forms.fresh("")
    wrong.to.data = "not an address"
    wrong.to.errors = ["“not an address” is not an address: it has no @."]
    wrong.attachments.errors = ["invoice.pdf: this file is empty."]
    told = {"first_job": None, "post_limit": 1}
    return [
        _sample("Empty", "partials/_compose.html", form=forms.fresh(""), trouble=None, **told),
        _sample("With errors", "partials/_compose.html", form=wrong, trouble=None, **told),
        _sample("Redis away", "partials/_compose.html", form=forms.fresh(""), trouble=samples.TROUBLE, **told),
    ]


def _overview() -> list[Sample]:
    found = []
    for name, document in samples_operations.overviews().items():
        told = {"overview": document, "chart": charts.throughput(document.throughput)}
        found += [
            _sample(f"{name}: {title}", f"partials/_{part}.html", **told)
            for title, part in (("numbers", "tiles"), ("throughput", "throughput"), ("health", "health"))
        ]
        if document.refusals:
            found.append(_sample(f"{name}: refusals", "partials/_refusals.html", **told))
    return found


def _workers() -> list[Sample]:
    return [
        _sample(name, "partials/_workers.html", fleet=document)
        for name, document in samples_operations.fleets().items()
    ]


def _many() -> list[Sample]:
    dead = [
        _sample(name, "partials/_dead_letters.html", dead=document)
        for name, document in samples_operations.dead_letters().items()
    ]
    one = [
        _sample(name, "partials/_bulk.html", bulk=document, list_url="/jobs")
        for name, document in samples_operations.bulks().items()
    ]
    many = [
        _sample(name, "partials/_bulks.html", bulks=document)
        for name, document in samples_operations.bulk_lists().items()
    ]
    return dead + one + many


SECTIONS: dict[str, Callable[[], list[Sample]]] = {
    "Job": _jobs,
    "Job list": _rows,
    "Overview": _overview,
    "Workers": _workers,
    "Dead letters and bulks": _many,
    "Mailbox": _mailbox,
    "Mail": _mail,
    "Message": _messages,
    "Compose": _forms,
}
"""Further parts: add a function that renders them with :func:`_sample`."""


def _sample(name: str, template: str, **context: object) -> Sample:
    """One part, with ids of its own, and nothing of what it is only once on a page: landmarks, live regions."""
    html = render_template(template, live=STILL, **context)
    suffix = re.sub(r"\W+", "-", f"{template}-{name}".lower())
    html = _NAMING.sub(lambda found: f' {found[1]}="{found[2]}{_suffixed(found[3], suffix)}"', html)
    html = _LANDMARK.sub(lambda found: f"<div{_LABEL.sub('', found[1])}>", html)
    html = _ALIVE.sub("", _LANDMARK_END.sub("</div>", html))
    html = _HEADING.sub(lambda found: f"<{found[1]}h4" + ("" if found[1] else f' class="was-h{found[2]}"'), html)
    return name, Markup(html)  # noqa: S704 - made of our own templates


def _suffixed(names: str, suffix: str) -> str:
    return " ".join(f"{name}-{suffix}" for name in names.split())

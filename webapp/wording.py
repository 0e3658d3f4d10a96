"""How instants, spans and sizes are said on pages. app.js says them the same way while the page is open."""

from __future__ import annotations

from datetime import UTC, datetime

from tasks import clock

MINUTE, HOUR, DAY = 60, 3600, 86_400


def parse(instant: str) -> datetime:
    """An RFC 3339 instant of a document."""
    return datetime.fromisoformat(instant).astimezone(UTC)


def exact(instant: str) -> str:
    """In full: ``12 Nov 2025, 14:03:05 UTC``."""
    moment = parse(instant)
    return f"{moment.day} {moment:%b %Y, %H:%M:%S} UTC"


def moment(instant: str) -> str:
    """To the tenth of a second, for the timeline of a job: ``12 Nov 14:03:05.3``; with its year where it is another."""
    moment = parse(instant)
    year = "" if moment.year == clock.now().year else f"{moment.year} "
    return f"{moment.day} {moment:%b} {year}{moment:%H:%M:%S}.{moment.microsecond // 100_000}"


def ago(instant: str) -> str:
    """How long since: ``just now``, ``42 s ago``, ``5 min ago``, ``3 h ago``, ``2 d ago``."""
    seconds = (clock.now() - parse(instant)).total_seconds()
    return "just now" if seconds < 2 else f"{_largest(int(seconds))} ago"


def until(instant: str) -> str:
    """How long to wait: ``now``, ``in 42 s``, ``in 3 min 5 s``, ``in 2 h 10 min``."""
    seconds = round((parse(instant) - clock.now()).total_seconds())
    return "now" if seconds <= 0 else f"in {_two_parts(seconds)}"


def span(seconds: float) -> str:
    """A measured duration: ``8 ms``, ``0.42 s``, ``5.1 s``, ``2 min 5 s``."""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 1:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < MINUTE else _two_parts(round(seconds))


def rate(a_second: float) -> str:
    """How often: ``0/s``, ``0.4/s``, ``12/s``, ``1,250/s``."""
    return f"{a_second:.1f}/s" if 0 < a_second < 10 else f"{a_second:,.0f}/s"


def local(instant: str) -> str:
    """As a browser's field for date and time takes it; in UTC, as the field's label says."""
    return f"{parse(instant):%Y-%m-%dT%H:%M:%S}"


def size(count: int) -> str:
    """``812 B``, ``3.4 kB``, ``12 MB`` (decimal, as mail servers count)."""
    for unit, name in ((1_000_000, "MB"), (1000, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}" if count < 10 * unit else f"{count / unit:.0f} {name}"
    return f"{count} B"


def people(addresses: list[str], most: int = 2) -> str:
    """A list of addresses, cut short: ``ann@example.org, bob@example.org and 3 more``."""
    if len(addresses) <= most:
        return ", ".join(addresses)
    return f"{', '.join(addresses[:most])} and {len(addresses) - most} more"


def _largest(seconds: int) -> str:
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"


def _two_parts(seconds: int) -> str:
    for unit, name, lower, lower_name in ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "min"), (MINUTE, "min", 1, "s")):
        if seconds >= unit:
            rest = seconds % unit // lower
            return f"{seconds // unit} {name} {rest} {lower_name}" if rest else f"{seconds // unit} {name}"
    return f"{seconds} s"

"""The bench itself, with tiny sizes: that it runs, that it would notice a mail lost or doubled, and what it writes."""

from __future__ import annotations

import json
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.domain.states import State
from tests.bench import kept, machine, report, table
from tests.bench.bench import Bench, bench
from tests.bench.catalogue import MEASURES
from tests.bench.figures import Findings, alternate
from tests.bench.mails import KB1, KB20, SENDER
from tests.bench.proxy import running_proxy
from tests.bench.rig import Rig
from tests.bench.seeder import seed
from tests.bench.shape import Shape, default_shape
from tests.bench.sizes import TINY
from tests.support.processes import ROOT, short_folder


@pytest.fixture(scope="module")
def under_way() -> Iterator[Bench]:
    with short_folder() as folder, bench(TINY, Shape(1, 2, 2), folder) as made:
        yield made


@pytest.fixture(scope="module")
def rig(under_way: Bench) -> Rig:
    return under_way.rig(under_way.sink(), redis_fsync="everysec")


def test_a_drain_sends_every_mail_once_and_says_how_fast(rig: Rig) -> None:
    before = rig.sink.count()
    assert rig.drain(KB1, 40) > 0
    assert rig.drain(KB20, 10, forget=False) > 0
    assert rig.sink.count() - before == rig.sent() == 50


def test_a_mail_too_many_is_noticed(rig: Rig) -> None:
    rig.drain(KB1, 5)
    with smtplib.SMTP("127.0.0.1", rig.sink.port) as client:
        client.sendmail(SENDER, ["user@bench.test"], b"Subject: again\r\n\r\nagain\r\n")
    with pytest.raises(AssertionError, match="5 jobs were sent, and the sink took 6 mails"):
        rig.check(5, rig.sink.count() - 6)


def test_a_job_that_was_not_sent_is_noticed(rig: Rig) -> None:
    rig.forget()
    taken = rig.sink.count()
    rig.queue(KB1, 2)
    with pytest.raises(AssertionError, match="ended as"):
        rig.check(2, taken)
    rig.release()
    rig.await_sent(2)


def test_seeded_jobs_are_what_a_real_one_leaves(rig: Rig) -> None:
    rig.drain(KB1, 1)
    [real] = rig.jobs.page(None, 1).jobs
    fields = set(rig.redis.hkeys(rig.keys.job(real.id)))
    count = 60
    assert seed(rig, count) > 500
    found: list[str] = []
    cursor = None
    while True:
        page = rig.jobs.page(State.SENT, 25, cursor)
        for job in page.jobs:
            assert job.head.state is State.SENT
            assert (job.card.subject[:12], job.due_us) == ("News number ", None)
            assert [event.word for event in job.log] == [event.word for event in real.log]
            assert set(rig.redis.hkeys(rig.keys.job(job.id))) == fields
            assert rig.redis.zscore(rig.keys.of("index", f"r:{job.card.rcpt_tos[0]}"), job.id) == job.accepted_us
            assert rig.redis.zscore(rig.keys.of("index", "d:bench.test"), job.id) == job.accepted_us
            due = rig.redis.zscore(rig.keys.of("purge"), job.id)
            assert due == job.log[-1].at_us + rig.jobs.retention_us
            found.append(job.id)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(set(found)) == count


def test_the_proxy_is_a_long_line_and_not_a_narrow_one(under_way: Bench, rig: Rig) -> None:
    with running_proxy(under_way.folder, rig.sink.port, 0.02, 0.02) as port:
        began = time.monotonic()
        alone = kept.rate(port, 1, b"Subject: far\r\n\r\nfar\r\n", 3)
        assert time.monotonic() - began >= 3 * 4 * 0.04
        # Four round trips a mail; and on ten connections ten times as many.
        assert alone <= 1 / (4 * 0.04)
        assert kept.rate(port, 10, b"Subject: far\r\n\r\nfar\r\n", 40) > 4 * alone


def test_the_tutorial_sends_every_mail(under_way: Bench) -> None:
    sink = under_way.sink()
    tutorial = under_way.tutorial(sink)
    assert tutorial.drain(KB1, 20) > 0
    assert tutorial.drain(KB20, 5) > 0
    assert sink.count() == 25


def test_variants_alternate_and_their_ratio_is_that_of_the_medians() -> None:
    asked: list[str] = []

    def give(name: str, *figures: float) -> float:
        asked.append(name)
        return figures[asked.count(name) - 1]

    found = Findings()
    found.add(alternate(3, {"a": lambda: give("a", 10, 40, 20), "b": lambda: give("b", 5, 4, 2)}), "mails/s")
    found.ratio("a_vs_b", "a", "b")
    found.ratio("a_vs_c", "a", "c")
    assert asked == ["a", "b", "b", "a", "a", "b"]
    assert list(found.ratios) == ["a_vs_b"]
    ratio = found.ratios["a_vs_b"]
    assert (ratio.value, ratio.low, ratio.high) == (5, 2, 10)
    assert "a_vs_b" in "\n".join(report.lines("some", found))


def test_a_partial_run_is_merged_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "var" / "bench.json"
    for key, better in (("one", 2.0), ("other", 6.0), ("one", 4.0)):
        found = Findings()
        found.add({"a": [better], "b": [1.0]}, "mails/s")
        found.ratio(key, "a", "b")
        report.merge(path, {"at": "now"}, "tiny", {key: found})
    written = json.loads(path.read_text())
    assert written["ratios"] == {"one": 4.0, "other": 6.0}
    assert written["measures"]["one"]["series"]["a"]["samples"] == [4.0]


def test_the_file_is_shown_as_a_table(tmp_path: Path) -> None:
    found = Findings()
    found.add({"a": [5000.0, 6000.0], "b": [200.0, 250.0]}, "mails/s")
    found.ratio("drain_1kb_vs_tutorial", "a", "b")
    path = tmp_path / "bench.json"
    report.merge(path, machine.describe(), "tiny", {"drain_1kb": found})
    shown = table.markdown(path)
    assert "| `drain_1kb_vs_tutorial` | **24.4** | 24 to 25 | at least 20 |" in shown
    assert "| drain_1kb (tiny) | a | 5,500 | mails/s | ±9% | 2 |" in shown


def test_the_command_measures_what_it_is_asked_for() -> None:
    command = [sys.executable, "-m", "tests.bench", "--tiny", "--only", "builder"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "EmailMessage, 1 kB" in said
    wrong = subprocess.run([*command[:-1], "nonsense"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "there is no measure nonsense" in wrong.stderr


def test_the_shape_is_the_products_own() -> None:
    shape = default_shape()
    assert shape.workers >= 1
    assert all(
        needed in ("wrk", "gunicorn", "huey", "dramatiq", "rq") for each in MEASURES.values() for needed in each.needs
    )

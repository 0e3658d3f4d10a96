"""The README says what the code says."""

from pathlib import Path

from tasks.domain.simulator import ROWS
from tasks.domain.states import STATES

README = (Path(__file__).resolve().parent.parent.parent / "README.md").read_text(encoding="utf-8")


def test_every_state_stands_in_the_readme() -> None:
    for state, row in STATES.items():
        assert f"| `{state}` | {row.celery} | {row.meaning} |" in README


def test_every_misbehaving_address_stands_in_the_readme() -> None:
    for row in ROWS:
        assert f"| `{row.address}` | {row.does} |" in README


def test_the_picture_is_there() -> None:
    picture = README.split("](docs/", 1)[1].split(")", 1)[0]
    assert (Path(__file__).resolve().parent.parent.parent / "docs" / picture).is_file()

"""The direction of imports: the web knows the engine, never the other way, and each part knows no more than it may."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FORBIDDEN = {
    "tasks": ("webapp", "flask", "flask_wtf", "wtforms", "werkzeug", "jinja2"),
    "tasks/domain": ("tasks.store", "tasks.smtp", "tasks.desk", "tasks.settings", "redis", "celery", "kombu", "socket"),
    "tasks/store": ("tasks.smtp", "tasks.desk", "tasks.settings", "celery", "kombu"),
    "tasks/smtp": ("tasks.store", "tasks.desk", "redis", "celery"),
    "webapp": ("tasks.smtp", "tasks.ledger", "tasks.courier", "tasks.dispatch", "tasks.worker", "smtplib"),
}


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_part_imports_nothing_that_it_may_not(folder: str) -> None:
    for path in sorted((ROOT / folder).rglob("*.py")):
        for name in imports_of(path):
            for forbidden in FORBIDDEN[folder]:
                assert name != forbidden, f"{path.relative_to(ROOT)} imports {name}"
                assert not name.startswith(forbidden + "."), f"{path.relative_to(ROOT)} imports {name}"


def test_only_settings_reads_the_environment_and_only_clock_reads_time() -> None:
    for path in sorted([*(ROOT / "tasks").rglob("*.py"), *(ROOT / "webapp").rglob("*.py")]):
        text = path.read_text()
        if path.name not in ("settings.py", "child.py", "conductor.py", "guardian.py"):
            assert "os.environ" not in text, path
            assert "getenv" not in text, path
        if path.name != "clock.py":
            assert "time.time(" not in text, path
            assert "datetime.now(" not in text, path

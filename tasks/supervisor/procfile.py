"""Reading the ``Procfile``: one process a line, ``name: command``, in the order in which they start."""

from __future__ import annotations

import shlex
from pathlib import Path

from tasks.domain.errors import StartError
from tasks.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def read(path: Path) -> dict[str, list[str]]:
    """Names and command lines."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as problem:
        raise StartError(f"cannot read {path}: {problem.strerror}") from None
    commands: dict[str, list[str]] = {}
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, command = line.partition(":")
        if not colon or not command.strip():
            raise StartError(f"{path}: this line is not `name: command`: {line}")
        commands[name.strip()] = shlex.split(command)
    return commands


def wanted(commands: dict[str, list[str]], config: Settings) -> dict[str, list[str]]:
    """What to run under these settings: without the embedded Redis or the local mailbox where another is named, and
    with as many workers as were asked for (``worker.1``, ``worker.2`` ...)."""
    left_out = {
        name for name, needed in (("redis", config.embeds_redis), ("mailbox", config.embeds_mailbox)) if not needed
    }
    found: dict[str, list[str]] = {}
    for name, command in commands.items():
        copies = config.worker_processes if name == "worker" else 1
        if name not in left_out:
            found |= {f"{name}.{number}" if copies > 1 else name: command for number in range(1, copies + 1)}
    return found


def kind(name: str) -> str:
    """What several processes of one line have in common: ``worker`` of ``worker.2``. They are stopped together."""
    return name.partition(".")[0]

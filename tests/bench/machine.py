"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tasks import clock
from tasks.local.redis_server import binary

PACKAGES = ("celery", "redis", "hiredis", "granian", "flask", "gunicorn", "huey", "dramatiq", "rq")


def describe() -> dict[str, Any]:
    """Processor, memory, versions, and how busy the machine was with other things."""
    return {
        "at": clock.rfc3339(clock.now_us(), "seconds"),
        "cores": os.cpu_count(),
        "processor": _first("/proc/cpuinfo", r"model name\s*: (.*)") or platform.processor() or platform.machine(),
        "memory_mb": int(_first("/proc/meminfo", r"MemTotal:\s+(\d+)") or 0) // 1024,
        "system": platform.platform(),
        "python": platform.python_version(),
        "redis": _said([binary(), "--version"], r"v=(\S+)"),
        "postfix": _said(["/usr/sbin/postconf", "-d", "mail_version"], r"= (\S+)"),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "load_before": os.getloadavg()[0],
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except ModuleNotFoundError:
        return None


def _first(path: str, pattern: str) -> str | None:
    try:
        found = re.search(pattern, Path(path).read_text())
    except OSError:
        return None
    return found[1] if found else None


def _said(command: list[str], pattern: str) -> str | None:
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    found = re.search(pattern, said)
    return found[1] if found else None

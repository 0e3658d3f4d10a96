"""What a process used: processor time and memory, its children's included."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(folder.name))
        if fields:
            parents.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def cpu_seconds(pid: int) -> float:
    """Processor time so far."""
    return sum((int(fields[11]) + int(fields[12])) / _TICKS for each in family(pid) if (fields := _stat(each)))


def memory_bytes(pid: int) -> int:
    """Resident memory now."""
    return sum(int(fields[21]) * _PAGE for each in family(pid) if (fields := _stat(each)))


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/<pid>/stat`` behind the name; none where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []

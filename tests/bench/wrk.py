"""Load over HTTP by wrk, which is C and costs little itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.bench.mails import Mail

CONNECTIONS = 16
_DONE = """
done = function(summary, latency, requests)
  io.write(string.format('\\nRESULT {"requests": %d, "seconds": %.6f, "refused": %d, "broken": %d, "p99_us": %d}\\n',
    summary.requests, summary.duration / 1e6, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(99)))
end
"""
_POST = """
local body = [==[%s]==]
local number = %d
request = function()
  number = number + 1
  local mine = body:gsub("0000000", string.format("%%07d", number))
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, mine)
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p99_us: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def get(folder: Path, url: str, seconds: float, headers: dict[str, str] | None = None) -> Load:
    """GET over and over."""
    return _run(folder, url, seconds, "", headers or {})


def post(folder: Path, url: str, seconds: float, mail: Mail, first: int = 0) -> Load:
    """Submit over and over, each time to another recipient."""
    return _run(folder, url, seconds, _POST % (mail.json(0), first), {})


def _run(folder: Path, url: str, seconds: float, script: str, headers: dict[str, str]) -> Load:
    program = shutil.which("wrk")
    assert program is not None, "wrk is missing (apt install wrk)"
    file = folder / "load.lua"
    file.write_text(script + _DONE)
    command = [program, "-t1", f"-c{CONNECTIONS}", f"-d{max(seconds, 1):.0f}s", "-s", str(file)]
    command += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    load = Load(**json.loads(said.rpartition("RESULT ")[2]))
    assert load.refused == load.broken == 0, f"{url}: {load.refused} refused, {load.broken} broken"
    return load

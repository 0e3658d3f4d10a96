"""``python -m tests.chaos --seed N --minutes M``: the long run. Exits 1 on a broken promise."""

from __future__ import annotations

import argparse
import os
import random
import sys

from tasks.settings import Settings

for name in list(os.environ):
    if name.lower() in Settings.model_fields:
        del os.environ[name]
Settings.model_config["env_file"] = None

from tests.chaos.runs import Plan, run  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=150, help="submissions a second")
    parser.add_argument("--fsync", choices=["always", "everysec"], default="always")
    parser.add_argument("--machine-crash", action="store_true", help="cut Redis's file back, every few seconds")
    parser.add_argument("--replay", choices=["on", "off"], default="on")
    parser.add_argument("--with-kill", choices=["web", "worker"], help="kill this too in the same second")
    asked = parser.parse_args()
    settings: dict[str, object] = {"redis_fsync": asked.fsync}
    if asked.replay == "off":
        settings["replay_seconds"] = 0
    print(f"seed {asked.seed}, {asked.minutes:g} minutes, {asked.rate:g} submissions a second", flush=True)
    plan = Plan(asked.seed, asked.minutes * 60, asked.rate, settings, asked.machine_crash, asked.with_kill)
    verdict = run(plan)
    print("\n".join(verdict.lines()))
    sys.exit(bool(verdict.found()))


if __name__ == "__main__":
    main()

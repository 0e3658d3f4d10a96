"""All of Postroom, from one terminal."""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import sys
from pathlib import Path

from tasks import settings
from tasks.domain.errors import StartError
from tasks.redis_address import RedisAddress
from tasks.settings import Settings
from tasks.supervisor import checks, procfile
from tasks.supervisor.child import Child
from tasks.supervisor.conductor import Conductor, Stopped

_SLOW_SECONDS = 10.0


def main() -> None:
    """Check, start, keep, stop."""
    parser = argparse.ArgumentParser(prog="python -m tasks.supervisor", description=__doc__)
    parser.add_argument("--procfile", type=Path, default=procfile.ROOT / "Procfile", help="what to run")
    options = parser.parse_args()
    try:
        run(settings.load(), options.procfile)
    except StartError as problem:
        sys.exit(f"postroom: {problem}")


def run(config: Settings, path: Path) -> None:
    """Run the processes of a Procfile until a signal asks for the end; StartError where they cannot start."""
    commands = procfile.wanted(procfile.read(path), config)
    with checks.lock(config) as locked:
        checks.ports(config)
        warnings = [] if config.embeds_redis else _check_redis(config)
        children = {name: Child(name, command) for name, command in commands.items()}
        conductor = Conductor(children, _grace(config, list(commands)), locked)
        for warning in warnings:
            conductor.say(f"Warning: {warning}")
        try:
            _start(conductor, config, list(commands))
            conductor.keep()
        except Stopped:
            conductor.stop()
            conductor.say("Stopped. What was accepted and not yet sent goes on at the next start.")
        except BaseException:
            conductor.stop()
            raise


def _start(conductor: Conductor, config: Settings, names: list[str]) -> None:
    if "redis" in names:
        conductor.start("redis")
        conductor.wait_until(
            lambda: checks.answers(config), _SLOW_SECONDS, lambda: "Redis is still reading its file ..."
        )
    for name in names:
        if name != "redis":
            conductor.start(name)
    conductor.wait_until(
        lambda: not _unready(config), _SLOW_SECONDS, lambda: f"Not ready yet: {_unready(config) or 'any moment'}"
    )
    conductor.say(f"Postroom is ready at {address(config)} (mail goes to {destination(config)}). Ctrl-C stops it.")


def _grace(config: Settings, names: list[str]) -> dict[str, float]:
    """The stop order, the last started first, and the seconds that each may take."""
    seconds = {"web": 15.0, "worker": config.shutdown_seconds * 1.1, "mailbox": 5.0, "redis": 60.0}
    return {name: seconds.get(procfile.kind(name), 10.0) for name in reversed(names)}


def _check_redis(config: Settings) -> list[str]:
    named = [config.store]
    if not config.one_redis and not config.broker_is_amqp:
        named.append(RedisAddress.parse(config.broker))
    return [warning for one in named for warning in checks.redis(one)]


def _unready(config: Settings) -> str:
    """What is missing, in words; empty when mail can be submitted and delivered."""
    if config.embeds_mailbox:
        try:
            socket.create_connection(config.relay_address, timeout=2).close()
        except OSError:
            return "the local mailbox does not answer"
    connection = http.client.HTTPConnection(config.host, config.port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read(65_536)
    except (OSError, http.client.HTTPException):
        return "the web server does not answer"
    finally:
        connection.close()
    return "" if answer.status == 200 else _reasons(answer.status, body)


def _reasons(status: int, body: bytes) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return f"/readyz answers {status}"
    failed = document.get("checks") if isinstance(document, dict) else None
    if not isinstance(failed, dict):
        return f"/readyz answers {status}"
    return ", ".join(f"{name}: {text}" for name, text in failed.items() if text != "ok")


def address(config: Settings) -> str:
    """Where the pages are."""
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"http://{host}:{config.port}"


def destination(config: Settings) -> str:
    """Where mail goes, in a sentence."""
    return "the local mailbox" if config.embeds_mailbox else config.relay_name


if __name__ == "__main__":
    main()

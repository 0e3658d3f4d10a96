"""Loads the Lua calls: one file a verb, behind the shared prelude, the key names and the table of states.

What settles or removes goes on in a Redis that is out of memory (``allow-oom``): a mail that has gone must be recorded
even then. What takes on more (``accept``, ``claim``) is refused by Redis as a whole, before its first write.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError

from tasks.domain.states import STATES
from tasks.store.direct import Command, Direct
from tasks.store.keys import Keys

_EVEN_OUT_OF_MEMORY = {"step", "replay", "purge", "extend", "recover", "relay_failed", "look", "bulk_end"}
_KEY = re.compile(r"\bK\.(\w+)")
_DEFINES = re.compile(r"^local (?:function )?([\w, ]+?)(?: =|\()", re.MULTILINE)
_FOLDER = Path(__file__).with_name("lua")


@cache
def source(verb: str) -> str:
    """The whole text of a Lua call. Key names depend on ``ARGV[1]`` alone, so that it is the same for every prefix."""
    text = (_FOLDER / f"{verb}.lua").read_text()
    flags = "#!lua flags=allow-oom\n" if verb in _EVEN_OUT_OF_MEMORY else "#!lua\n"
    shared = _needed(_states() + (_FOLDER / "_prelude.lua").read_text(), text)
    return flags + Keys("").lua(set(_KEY.findall(shared + text))) + shared + text


def _needed(prelude: str, text: str) -> str:
    """The blocks of the prelude that a call uses: what a script defines is made anew at every call, and costs time."""
    kept: list[str] = []
    for block in reversed(re.split(r"\n\n(?=--|local )", prelude)):
        used = "\n\n".join([*kept, text])
        if any(re.search(rf"\b{name}\b", used) for names in _DEFINES.findall(block) for name in names.split(", ")):
            kept.insert(0, block)
    return "\n\n".join([*kept, ""])


def _states() -> str:
    """The table of states for Lua: ``GOES_TO[from][to]`` and ``FINAL[state]``."""
    goes_to = ", ".join(
        f"{state} = {{{', '.join(f'{target} = true' for target in sorted(row.goes_to))}}}"
        for state, row in STATES.items()
    )
    final = ", ".join(f"{state} = true" for state, row in STATES.items() if row.final)
    return f"local GOES_TO = {{{goes_to}}}\n\nlocal FINAL = {{{final}}}\n\n"


class Script:
    """A Lua call."""

    def __init__(self, redis: Redis, verb: str) -> None:
        self._source = source(verb)
        self._sha = hashlib.sha1(self._source.encode(), usedforsecurity=False).hexdigest()
        self.ask = Direct(redis)

    def __call__(self, args: Iterable[Any]) -> Any:
        """Make the call once and return its answer; redis-py's errors come as from any command."""
        arguments = tuple(args)
        try:
            return self.ask(*self.by_name(arguments))
        except NoScriptError:
            return self.ask(*self.by_text(arguments))

    def by_name(self, arguments: Sequence[Any]) -> Command:
        """As a command to a Redis that knows the script."""
        return ("EVALSHA", self._sha, 0, *arguments)

    def by_text(self, arguments: Sequence[Any]) -> Command:
        """As a command to one that does not: it does from then on."""
        return ("EVAL", self._source, 0, *arguments)


def together(*calls: tuple[Script, Sequence[Any]]) -> list[Any]:
    """Make calls to one Redis in one round trip; a call's ``ResponseError`` stands for its answer."""
    ask = calls[0][0].ask
    answers = ask.each([script.by_name(arguments) for script, arguments in calls])
    return [
        ask.each([script.by_text(arguments)])[0] if isinstance(answer, NoScriptError) else answer
        for (script, arguments), answer in zip(calls, answers, strict=True)
    ]


def script(redis: Redis, verb: str) -> Script:
    """A Lua call ready to be made; one that Redis does not know (any more) is given to it anew."""
    return Script(redis, verb)

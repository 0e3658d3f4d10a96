"""Loads the Lua calls: one file a verb, behind the shared prelude, the key names and the table of states.

What settles or removes goes on in a Redis that is out of memory (``allow-oom``): a mail that has gone must be recorded
even then. What takes on more (``accept``, ``claim``) is refused by Redis as a whole, before its first write.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from redis import Redis
from redis.commands.core import Script

from tasks.domain.states import STATES
from tasks.store.keys import Keys

_EVEN_OUT_OF_MEMORY = {"step", "replay", "purge", "extend", "recover", "relay_failed", "look"}
_FOLDER = Path(__file__).with_name("lua")


def _states() -> str:
    """The table of states for Lua: ``GOES_TO[from][to]`` and ``FINAL[state]``."""
    goes_to = ", ".join(
        f"{state} = {{{', '.join(f'{target} = true' for target in sorted(row.goes_to))}}}"
        for state, row in STATES.items()
    )
    final = ", ".join(f"{state} = true" for state, row in STATES.items() if row.final)
    return f"local GOES_TO = {{{goes_to}}}\nlocal FINAL = {{{final}}}\n"


@cache
def source(verb: str) -> str:
    """The whole text of a Lua call. Key names depend on ``ARGV[1]`` alone, so that it is the same for every prefix."""
    prelude = (_FOLDER / "_prelude.lua").read_text()
    flags = "#!lua flags=allow-oom\n" if verb in _EVEN_OUT_OF_MEMORY else "#!lua\n"
    return flags + Keys("").lua() + _states() + prelude + (_FOLDER / f"{verb}.lua").read_text()


def script(redis: Redis, verb: str) -> Script:
    """A Lua call ready to be made; redis-py loads it again after a Redis that forgot it (``NOSCRIPT``)."""
    return redis.register_script(source(verb))

"""What every measure is given: how much, in which shape, and where to put things."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import postfix
from tests.bench.postfix import Postfix, running_postfix
from tests.bench.rig import Rig, running_rig
from tests.bench.shape import Shape
from tests.bench.sink import Sink, running_sink
from tests.bench.sizes import Sizes
from tests.bench.tutorial.rig import Tutorial, running_tutorial


@dataclass(frozen=True, slots=True)
class Bench:
    """Starts what a measure compares; all of it ends with the block."""

    sizes: Sizes
    shape: Shape
    folder: Path
    _ends: ExitStack

    def sink(self) -> Sink:
        return self._ends.enter_context(running_sink(self.folder))

    def rig(
        self, sink: Sink, *, shape: Shape | None = None, relay_port: int = 0, web: bool = False, **more: object
    ) -> Rig:
        made = running_rig(self.folder, shape or self.shape, sink, relay_port=relay_port, web=web, **more)
        return self._ends.enter_context(made)

    def tutorial(self, sink: Sink, *, web: bool = False, web_processes: int = 2) -> Tutorial:
        return self._ends.enter_context(running_tutorial(self.folder, sink, web=web, web_processes=web_processes))

    def postfix(self, sink: Sink) -> Postfix | None:
        """None where Postfix cannot run."""
        return self._ends.enter_context(running_postfix(self.folder, sink)) if postfix.can_run() else None

    @property
    def ends(self) -> ExitStack:
        """What else is to end with the block."""
        return self._ends


@contextmanager
def bench(sizes: Sizes, shape: Shape, parent: Path) -> Iterator[Bench]:
    """A place on disk to measure in, gone afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix="run-") as folder, ExitStack() as ends:
        Path(folder).chmod(0o755)  # Postfix's own user goes through it
        yield Bench(sizes, shape, Path(folder), ends)

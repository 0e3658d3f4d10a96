"""Carousels to try, and certificates to trust or not."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tasks.smtp.carousel import Carousel
from tasks.smtp.errand import Errand
from tasks.smtp.relay import Relay
from tests.smtp.errands import PaperLedger


@dataclass
class Ride:
    """A carousel with the ledger it answers to."""

    carousel: Carousel
    ledger: PaperLedger

    def run(self, until: Callable[[], bool] = lambda: False) -> PaperLedger:
        self.carousel.run(until)
        return self.ledger


Start = Callable[..., Ride]


@pytest.fixture
def start() -> Iterator[Start]:
    """A ride to a port with these errands; what is still open in the end is closed."""
    rides: list[Ride] = []

    def start(port: int, *errands: Errand, sessions: int = 4, **relay: object) -> Ride:
        values: dict[str, object] = {"host": "127.0.0.1", "timeout_seconds": 5, **relay}
        ledger = PaperLedger(errands)
        ride = Ride(Carousel(Relay(port=port, **values), ledger, sessions), ledger)  # type: ignore[arg-type]
        rides.append(ride)
        return ride

    yield start
    for ride in rides:
        assert ride.carousel.close()


@dataclass(frozen=True)
class Certificates:
    """A relay's certificate for localhost, and the CA that vouches for it."""

    server: ssl.SSLContext
    ca_file: Path
    other_ca_file: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("ca")
    authority, other = trustme.CA(), trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    other.cert_pem.write_to_path(str(folder / "other.pem"))
    return Certificates(server, folder / "ca.pem", folder / "other.pem")

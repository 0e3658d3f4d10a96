"""A client of the running stack."""

import pytest

from tests.support.client import Client
from tests.support.processes import Stack


@pytest.fixture
def client(stack: Stack) -> Client:
    return Client(stack.base_url)

"""A server with two listeners, for the tests of a module together."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import fresh_database
from support.cli_process import ForkServer
from support.household import Household, household
from support.two_listeners import House, two_listeners

from etl.simulator.catalogue import Catalogue

UNLIMITED = {"BRAPPED_TEST_WITHOUT_RATES": "yes"}


@pytest.fixture(scope="module")
def home(
    request: pytest.FixtureRequest,
    cluster: str,
    template: str,
    forkserver: ForkServer,
    songs: Catalogue,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Household]:
    """As a parameter: what it has in its environment; without one, no limit of requests."""
    folder: Path = tmp_path_factory.mktemp("household")
    for database in fresh_database(cluster, template):
        with household(database, forkserver, songs, folder, **getattr(request, "param", UNLIMITED)) as made:
            yield made


@pytest.fixture(scope="module")
def house(
    cluster: str, template: str, forkserver: ForkServer, songs: Catalogue, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """One server with Ada and Ben logged in, for all tests of a module."""
    with two_listeners(cluster, template, forkserver, songs, tmp_path_factory.mktemp("house")) as made:
        yield made

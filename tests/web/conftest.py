"""What the tests of the web application share."""

from collections.abc import Iterator

import pytest
from support.cli_process import ForkServer
from support.two_listeners import House, two_listeners

from etl.simulator.catalogue import Catalogue


@pytest.fixture(scope="module")
def house(
    cluster: str, template: str, forkserver: ForkServer, songs: Catalogue, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """One server with Ada and Ben logged in, for all tests of a module."""
    with two_listeners(cluster, template, forkserver, songs, tmp_path_factory.mktemp("house")) as made:
        yield made

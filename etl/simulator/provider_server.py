"""Serve the simulated providers over HTTP, by the server of the simulated Spotify."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from etl.simulator import providers
from etl.simulator.providers import ProviderWorld
from etl.simulator.server import Call, SimulatedSpotify
from etl.simulator.world import Answer, Fault, Request, World


class SimulatedProviders(SimulatedSpotify):
    """A context manager: inside it the providers answer at `urls`. `calls` lists the requests by the clock."""

    def __init__(self, knows: ProviderWorld, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(World(), clock, is_dated=False)
        self.knows = knows
        self.asked_ids: list[str] = []  # what ReccoBeats was asked for, in order
        self._turn = threading.Lock()

    @property
    def urls(self) -> dict[str, Any]:
        """The settings that lead to them."""
        return {f"{name}_url": f"{self.accounts_url}/{name}" for name in providers.ANSWERS}

    def fail(self, *faults: Fault) -> None:
        """Replace what goes wrong from now on."""
        self.knows = replace(self.knows, faults=faults)

    def answer(self, request: Request) -> Answer:
        with self._turn:
            given, self.knows = providers.answer(self.knows, request)
            self.asked_ids += [value for name, value in request.pairs if name == "ids"]
            self.calls.append(Call(request.method, request.path, request.query, given.status, request.at))
        return given

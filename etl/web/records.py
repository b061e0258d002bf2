"""The database behind the pages: reads are confined to one listener, changes go through the program's own user."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.statements import run, run_script, run_with_combined

Result = TypeVar("Result")
Rows = dict[str, list[dict[str, Any]]]  # by file of sql/


@dataclass(frozen=True)
class Sections:
    """Files of sql/ that are one round trip: `scripts` run first, for what the selects of `names` stand on."""

    names: Sequence[str]
    scripts: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)


class RoleError(Exception):
    """The role that reads for the web application can't be made. The message says what to do."""


class Records:
    """Transactions of the web application. Safe to use from several threads."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse

    def read(self, listener_key: int, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in a transaction that sees the rows of this listener only, and can change nothing of the record.

        Row-level security holds it there, whatever the statements ask for. Raises WarehouseError.
        """

        def confined(connection: Connection) -> Result:
            run(connection, "ops/web/confine", listener_key=listener_key)
            return work(connection)

        return self.warehouse.transaction(confined)

    def read_sections(
        self,
        listener_key: int,
        first: Sections,
        then: Callable[[Rows], Sections | None],
        **parameters: Any,
    ) -> tuple[Rows, Rows]:
        """The rows of two rounds of files, as `read` does it: the first in the round trip that confines the transaction.

        `then` gets the rows of the first round, by file, and says what the second one is; None: nothing. `parameters`:
        of both. Raises WarehouseError.
        """

        def work(connection: Connection) -> tuple[Rows, Rows]:
            known = {"listener_key": listener_key, **parameters}
            before = ("ops/web/confine", *first.scripts)
            told = run_with_combined(connection, before, first.names, **{**known, **first.parameters})
            second = then(told)
            if second is None:
                return told, {}
            rows = run_with_combined(connection, second.scripts, second.names, **{**known, **second.parameters})
            return told, rows

        return self.warehouse.transaction(work)

    def look_up(self, question: Callable[[Connection], Result]) -> Result:
        """Run `question`, one statement that changes nothing, as the program's own user. Raises WarehouseError."""
        return self.warehouse.ask(question)

    def change(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in a transaction of the program's own user, who may see and change everything.

        For sessions, keys and settings, and for what the commands do too. Raises WarehouseError.
        """
        return self.warehouse.transaction(work)


def prepare_role(warehouse: Warehouse) -> None:
    """Make the role `brapped_web` and guard the tables of schema listening, as far as that is still to be done.

    Raises RoleError where this database's user may not make roles.
    """

    def work(connection: Connection) -> None:
        [state] = run(connection, "ops/web/role_missing")
        if state.is_missing or state.is_out_of_reach or state.is_unguarded:
            run_script(connection, "ops/web/role")

    try:
        warehouse.transaction(work)
    except WarehouseError as error:
        if not error.is_reached:
            raise
        sentence = str(error)
    else:
        return
    raise RoleError(
        f"The role brapped_web, which reads for the web application, can't be made: {sentence} Its statements are in"
        " sql/ops/web/role.sql: run them as a user who may make roles, and grant the role to the user in DATABASE_URL."
    )

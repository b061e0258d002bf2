"""The database behind the pages: reads are confined to one listener, changes go through the program's own user."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.statements import run, run_script

Result = TypeVar("Result")


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

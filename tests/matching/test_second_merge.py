"""A merge leaves no temporary table behind that the next one in the same transaction would trip over."""

from sqlalchemy import text

from etl.warehouse.statements import run


def test_a_second_merge_drops_whatever_temporary_table_the_first_one_made(warehouse):
    """Also one that no file mentions yet; but not the tables of the catalogue, nor what the session had before."""

    def merged_twice(connection) -> list[str]:
        run(connection, "dimensions/tracks_to_rematch")
        run(connection, "staging/staging_play")
        run(connection, "matching/20_source_play")
        connection.execute(text("create temporary table made_next_year (a_number integer) on commit drop"))
        run(connection, "matching/90_drop_temporary_tables")
        run(connection, "staging/staging_play")
        run(connection, "matching/20_source_play")
        left = "select relname from pg_class where relnamespace = pg_my_temp_schema() and relkind = 'r' order by 1"
        return list(connection.execute(text(left)).scalars())

    def from_before(connection) -> None:
        connection.execute(text("create temporary table of_the_session (a_number integer)"))

    with warehouse.engine.connect() as connection:
        with connection.begin():
            from_before(connection)
        with connection.begin():
            assert merged_twice(connection) == [
                "linked_track", "newest_track", "of_the_session", "origin", "play_match", "source_play",
                "staging_play", "staging_play_detail", "tracks_to_rematch",
            ]  # fmt: skip
        with connection.begin():
            connection.execute(text("drop table pg_temp.of_the_session"))

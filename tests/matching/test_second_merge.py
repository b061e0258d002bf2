"""A merge leaves no temporary table behind that the next one in the same transaction would trip over."""

from sqlalchemy import text
from support import NOW
from support.cases import Song, exported, told

from etl.sources.recently_played import read_page
from etl.warehouse.load import stage
from etl.warehouse.merge import merge_catalogue, merge_plays
from etl.warehouse.statements import run

LEFT = "select relname from pg_class where relnamespace = pg_my_temp_schema() and relkind = 'r' order by 1"


def test_a_second_merge_drops_whatever_temporary_table_the_first_one_made(warehouse):
    """Also one that no file mentions yet; but not the tables of the catalogue, nor what the session had before."""

    def merged_twice(connection) -> tuple[list[str], list[str]]:
        run(connection, "dimensions/tracks_to_rematch")
        catalogue = list(connection.execute(text(LEFT)).scalars())
        run(connection, "staging/staging_play")
        connection.execute(text("create temporary table made_next_year (a_number integer) on commit drop"))
        run(connection, "matching/90_drop_temporary_tables")
        return catalogue, list(connection.execute(text(LEFT)).scalars())

    with warehouse.engine.connect() as connection:
        with connection.begin():
            connection.execute(text("create temporary table of_the_session (a_number integer)"))
        with connection.begin():
            before, after = merged_twice(connection)
            assert after == before and {"of_the_session", "tracks_to_rematch"} <= set(after)
        with connection.begin():
            connection.execute(text("drop table pg_temp.of_the_session"))


def test_every_source_can_be_merged_twice_in_one_transaction(record, ask, tmp_path):
    """With all files of the matching, so that no table of any of them is in the way of the second."""
    song = Song("A", "Song")
    record.load([exported(0, song)], [told(0.5, song), told(300, song)])
    facts = ask("select played_at, play_key from listening.fact_play order by 1")
    key = record.listener_keys["one"]
    with record.warehouse.engine.begin() as connection:
        stage(connection, read_page({"items": [told(0.5, song), told(900, song)]}, NOW).tables)
        merge_catalogue(connection)
        assert merge_plays(connection, listener_key=key, now=NOW) == 1
        run(connection, "matching/90_drop_temporary_tables")
        run(connection, "staging/staging_play")
        assert merge_plays(connection, listener_key=key, now=NOW) == 0
    assert ask("select played_at, play_key from listening.fact_play order by 1")[:2] == facts

"""What a warehouse is, for tests that make another of it: read without the program's help."""

import psycopg2

from support import asked, libpq

MARK = "Qwertz-Title-That-Nobody-May-See"
PASSWORD = "of-the-moved-database"

# Many plays of two listeners, of few tracks, as no job would come by them so fast.
MANY = """
insert into listening.dim_listener (listener_id, time_zone, created_at) values ('a', 'UTC', now()), ('b', 'UTC', now());
insert into listening.dim_track (track_id, track_uri, track_name, content_type, duration_ms)
select lpad(number::text, 22, '0'), 'spotify:track:' || lpad(number::text, 22, '0'), 'Song ' || number, 'track', 200000
from generate_series(1, 500) as numbers (number);
insert into listening.dim_artist (artist_id, artist_name, genres)
select lpad(number::text, 22, '0'), 'Artist ' || number, array['a "quoted" genre', E'one, with\\ttab'] from generate_series(1, 50) as numbers (number);
insert into listening.bridge_track_artist (track_key, artist_key, position, role, weight)
select track_key, 1 + track_key %% 50, 1, 'main', 1.0 / 3 from listening.dim_track where track_key > 0;
insert into listening.fact_play (played_at, listener_key, track_key, date_key, context_key, device_key, play_profile_key, ms_played, time_key)
select timestamptz '2020-01-01Z' + number * interval '3 minutes 7.000123 seconds', listener_key, 1 + number %% 500, 20200101, 0, 0, 0, number %% 300000, 0
from generate_series(1, %s / 2) as numbers (number) cross join listening.dim_listener
"""


TABLES = (
    "select n.nspname || '.' || c.relname, string_agg(a.attname, ',' order by a.attnum) from pg_class c"
    " join pg_namespace n on n.oid = relnamespace join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped"
    " where relkind = 'r' and nspname in ('listening', 'ops') and relname not in ('schema_change', 'lease') group by 1 order by 1"
)


def everything(url: str) -> dict[str, list[tuple]]:
    """Every row of every table, the numbers that come next, and what holds the tables together: read without the program's help."""
    found = {
        table: sorted(asked(url, f"select {columns} from {table}"), key=repr) for table, columns in asked(url, TABLES)
    }
    found["numbers"] = asked(
        url,
        "select schemaname, sequencename, last_value from pg_sequences where schemaname in ('listening', 'ops') order by 2",
    )
    found["constraints"] = asked(
        url,
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated from pg_constraint"
        " where connamespace::regnamespace::text in ('listening', 'ops') order by 1, 2",
    )
    found["indexes"] = asked(url, "select indexdef from pg_indexes where schemaname in ('listening', 'ops') order by 1")
    found["views"] = asked(url, "select viewname, definition from pg_views where schemaname = 'listening' order by 1")
    return found


def differences(one: dict[str, list[tuple]], other: dict[str, list[tuple]]) -> dict[str, tuple]:
    return {
        name: (
            [row for row in one[name] if row not in other[name]][:2],
            [row for row in other[name] if row not in one[name]][:2],
        )
        for name in one
        if one[name] != other.get(name)
    } | dict.fromkeys(other.keys() - one.keys(), ())


def fill(url: str, count: int) -> None:
    with psycopg2.connect(libpq(url)) as connection, connection.cursor() as cursor:
        cursor.execute(MANY, (count,))
    connection.close()


def rows_of(url: str) -> dict[str, list[tuple]]:
    """What two versions of Postgres write alike: every row, and the numbers that come next."""
    return {name: rows for name, rows in everything(url).items() if "." in name or name == "numbers"}

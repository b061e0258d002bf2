-- The start of every transaction: names resolve to pg_catalog, whatever a database, a role or a pooler sets. Temporary
-- tables come before permanent ones, and the schema of pg_trgm last, because search needs its operators.
set local search_path = pg_catalog, pg_temp;

select pg_catalog.set_config(
    'search_path',
    pg_catalog.current_setting('search_path') || ', ' || pg_catalog.quote_ident(pg_namespace.nspname),
    true
)
from pg_catalog.pg_extension
inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_extension.extnamespace
where pg_extension.extname = 'pg_trgm';

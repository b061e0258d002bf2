-- A row if something in the embedded database still belongs to the superuser, as everything did in older versions.
select 1
from pg_catalog.pg_database
inner join pg_catalog.pg_roles on pg_roles.oid = pg_database.datdba
where
    pg_database.datname = pg_catalog.current_database()
    and pg_roles.rolsuper
union all
select 1
from pg_catalog.pg_namespace
inner join pg_catalog.pg_roles on pg_roles.oid = pg_namespace.nspowner
where
    pg_namespace.nspname in ('listening', 'ops')
    and pg_roles.rolsuper
union all
select 1
from pg_catalog.pg_class
inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
inner join pg_catalog.pg_roles on pg_roles.oid = pg_class.relowner
where
    pg_namespace.nspname in ('listening', 'ops')
    and pg_class.relkind in ('r', 'p', 'v', 'm')
    and pg_roles.rolsuper
limit 1

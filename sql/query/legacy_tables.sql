-- Tables and views of these names, in whatever schema that is not Brapped's own, with their columns.
select
    pg_namespace.nspname::text as schema_name,
    pg_class.relname::text as table_name,
    array_agg(pg_attribute.attname::text order by pg_attribute.attnum) as column_names
from pg_class
inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
inner join pg_attribute
    on
        pg_attribute.attrelid = pg_class.oid
        and pg_attribute.attnum > 0
        and not pg_attribute.attisdropped
where
    pg_class.relname = any(:names)
    and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
    and pg_namespace.nspname not in ('listening', 'ops')
group by
    pg_namespace.nspname,
    pg_class.relname

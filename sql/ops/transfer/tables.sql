-- Tables by name: columns and types, primary key, and identity column.
select
    pg_namespace.nspname || '.' || pg_class.relname as table_name,
    pg_catalog.array_agg(pg_attribute.attname::text order by pg_attribute.attnum) as column_names,
    pg_catalog.array_agg(
        pg_catalog.format_type(pg_attribute.atttypid, null) order by pg_attribute.attnum
    ) as column_types,
    pg_catalog.array_agg(
        pg_attribute.attname::text
        order by pg_catalog.array_position(pg_index.indkey::smallint[], pg_attribute.attnum)
    ) filter (where pg_attribute.attnum = any(pg_index.indkey)) as key_names,
    pg_catalog.max(pg_attribute.attname::text) filter (where pg_attribute.attidentity <> '') as counter_name
from pg_catalog.pg_class
inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
inner join pg_catalog.pg_index
    on
        pg_index.indrelid = pg_class.oid
        and pg_index.indisprimary
inner join pg_catalog.pg_attribute
    on
        pg_attribute.attrelid = pg_class.oid
        and pg_attribute.attnum > 0
        and not pg_attribute.attisdropped
where
    pg_namespace.nspname || '.' || pg_class.relname = any(:names)
    and pg_class.relkind in ('r', 'p')
group by
    pg_namespace.nspname,
    pg_class.relname
order by table_name

-- The foreign keys of these tables, and their definitions.
select
    pg_namespace.nspname || '.' || pg_class.relname as table_name,
    other_namespace.nspname || '.' || other_class.relname as other_name,
    pg_constraint.conname::text as constraint_name,
    pg_catalog.pg_get_constraintdef(pg_constraint.oid) as definition
from pg_catalog.pg_constraint
inner join pg_catalog.pg_class on pg_class.oid = pg_constraint.conrelid
inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
inner join pg_catalog.pg_class as other_class on other_class.oid = pg_constraint.confrelid
inner join pg_catalog.pg_namespace as other_namespace on other_namespace.oid = other_class.relnamespace
where
    pg_constraint.contype = 'f'
    and pg_constraint.conparentid = 0
    and pg_namespace.nspname || '.' || pg_class.relname = any(:names)
order by
    table_name,
    constraint_name

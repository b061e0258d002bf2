-- The sequence behind an identity column of a table.
select
    pg_namespace.nspname::text as schema_name,
    pg_class.relname::text as sequence_name
from pg_catalog.pg_depend
inner join pg_catalog.pg_class
    on
        pg_class.oid = pg_depend.objid
        and pg_class.relkind = 'S'
inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
inner join pg_catalog.pg_attribute
    on
        pg_attribute.attrelid = pg_depend.refobjid
        and pg_attribute.attnum = pg_depend.refobjsubid
where
    pg_depend.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and pg_depend.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and pg_depend.deptype = 'i'
    and pg_depend.refobjid = pg_catalog.to_regclass(:table_name)
    and pg_attribute.attname = :column_name

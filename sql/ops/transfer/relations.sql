-- What exists in these schemas or under these names, in a database that may be anybody's. Reads only the system
-- catalogue: a view, a row security policy, an inherited table or an index on a function would run its owner's code
-- with the reader's rights.
select
    pg_namespace.nspname::text as schema_name,
    pg_class.relname::text as table_name,
    pg_class.relkind::text as kind,
    pg_class.relrowsecurity as has_row_security,
    owner.rolname::text as owner_name,
    not owner.rolsuper and reader.rolsuper as is_read_with_more_rights,
    exists (
        select 1
        from pg_catalog.pg_inherits
        where
            pg_inherits.inhparent = pg_class.oid
            or pg_inherits.inhrelid = pg_class.oid
    ) as is_inherited,
    exists (
        select 1
        from pg_catalog.pg_depend
        where
            pg_depend.refclassid in (
                'pg_catalog.pg_proc'::pg_catalog.regclass,
                'pg_catalog.pg_operator'::pg_catalog.regclass,
                'pg_catalog.pg_type'::pg_catalog.regclass
            )
            and (pg_depend.classid, pg_depend.objid) in (
                select
                    'pg_catalog.pg_class'::pg_catalog.regclass,
                    pg_index.indexrelid
                from pg_catalog.pg_index
                where pg_index.indrelid = pg_class.oid
                union all
                select
                    'pg_catalog.pg_constraint'::pg_catalog.regclass,
                    pg_constraint.oid
                from pg_catalog.pg_constraint
                where pg_constraint.conrelid = pg_class.oid
                union all
                select
                    'pg_catalog.pg_statistic_ext'::pg_catalog.regclass,
                    pg_statistic_ext.oid
                from pg_catalog.pg_statistic_ext
                where pg_statistic_ext.stxrelid = pg_class.oid
            )
            -- the program's own function is fine while it depends on nothing but built-ins
            and not (
                pg_depend.refobjid = pg_catalog.to_regprocedure('ops.folded(text)')
                and exists (
                    select 1
                    from pg_catalog.pg_proc
                    where
                        pg_proc.oid = pg_depend.refobjid
                        and pg_proc.prosqlbody is not null
                        and not exists (
                            select 1
                            from pg_catalog.pg_depend as deeper
                            where
                                deeper.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                                and deeper.objid = pg_proc.oid
                                and deeper.refclassid <> 'pg_catalog.pg_namespace'::pg_catalog.regclass
                                and deeper.refclassid <> 'pg_catalog.pg_collation'::pg_catalog.regclass
                        )
                )
            )
    ) as has_functions,
    named.column_names,
    named.column_types,
    named.has_odd_type
from pg_catalog.pg_class
inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
inner join pg_catalog.pg_roles as owner on owner.oid = pg_class.relowner
inner join pg_catalog.pg_roles as reader on reader.rolname = current_user
cross join lateral (
    select
        pg_catalog.array_agg(pg_attribute.attname::text order by pg_attribute.attnum) as column_names,
        pg_catalog.array_agg(
            pg_catalog.format_type(pg_attribute.atttypid, null) order by pg_attribute.attnum
        ) as column_types,
        coalesce(
            pg_catalog.bool_or(
                pg_attribute.attgenerated = 'v'
                or pg_type.typtype <> 'b'
                or pg_type.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace
            ),
            false
        ) as has_odd_type
    from pg_catalog.pg_attribute
    inner join pg_catalog.pg_type on pg_type.oid = pg_attribute.atttypid
    where
        pg_attribute.attrelid = pg_class.oid
        and pg_attribute.attnum > 0
        and not pg_attribute.attisdropped
) as named
where
    (
        pg_namespace.nspname = any(:schemas)
        or (
            pg_class.relname = any(:names)
            and pg_namespace.nspname not in ('listening', 'ops', 'pg_catalog', 'information_schema')
            and pg_class.relpersistence <> 't'
        )
    )
    and pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
order by
    schema_name,
    table_name

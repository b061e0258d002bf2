-- Hand everything that the superuser made in the embedded database to its present owner, in one transaction. Objects of
-- extensions stay. Granted rights stay, and the new owner grants them on future objects, too.
do $$
declare
    made record;
begin
    for made in
        select pg_catalog.format('alter schema %I owner to brapped', pg_namespace.nspname) as statement
        from pg_catalog.pg_namespace
        inner join pg_catalog.pg_roles on pg_roles.oid = pg_namespace.nspowner
        where
            pg_roles.rolsuper
            and pg_namespace.nspname !~ '^pg_'
            and pg_namespace.nspname <> 'information_schema'
        union all
        select pg_catalog.format('alter table %I.%I owner to brapped', pg_namespace.nspname, pg_class.relname)
        from pg_catalog.pg_class
        inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
        inner join pg_catalog.pg_roles on pg_roles.oid = pg_class.relowner
        where
            pg_roles.rolsuper
            and pg_class.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
            and pg_namespace.nspname !~ '^pg_'
            and pg_namespace.nspname <> 'information_schema'
            and not exists (
                select 1
                from pg_catalog.pg_depend
                where
                    pg_depend.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    and pg_depend.objid = pg_class.oid
                    and (
                        pg_depend.deptype = 'e'
                        or (pg_class.relkind = 'S' and pg_depend.deptype in ('a', 'i'))
                    )
            )
        union all
        select
            pg_catalog.format(
                'alter routine %I.%I(%s) owner to brapped',
                pg_namespace.nspname,
                pg_proc.proname,
                pg_catalog.pg_get_function_identity_arguments(pg_proc.oid)
            )
        from pg_catalog.pg_proc
        inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_proc.pronamespace
        inner join pg_catalog.pg_roles on pg_roles.oid = pg_proc.proowner
        where
            pg_roles.rolsuper
            and pg_namespace.nspname in ('listening', 'ops')
            and not exists (
                select 1
                from pg_catalog.pg_depend
                where
                    pg_depend.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                    and pg_depend.objid = pg_proc.oid
                    and pg_depend.deptype = 'e'
            )
        union all
        select
            pg_catalog.format(
                'alter default privileges for role brapped%s grant %s on %s to %s%s',
                ' in schema ' || pg_catalog.quote_ident(pg_namespace.nspname),
                granted.privilege_type,
                case pg_default_acl.defaclobjtype
                    when 'r' then 'tables'
                    when 'S' then 'sequences'
                    when 'f' then 'functions'
                    when 'T' then 'types'
                    else 'schemas'
                end,
                case
                    when granted.grantee = 0 then 'public'
                    else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(granted.grantee))
                end,
                case when granted.is_grantable then ' with grant option' end
            )
        from pg_catalog.pg_default_acl
        inner join pg_catalog.pg_roles on pg_roles.oid = pg_default_acl.defaclrole
        left join pg_catalog.pg_namespace on pg_namespace.oid = pg_default_acl.defaclnamespace
        cross join lateral pg_catalog.aclexplode(pg_default_acl.defaclacl) as granted
        where
            pg_roles.rolsuper
            and granted.grantee <> pg_default_acl.defaclrole
    loop
        execute made.statement;
    end loop;
    alter database brapped owner to brapped;
end;
$$

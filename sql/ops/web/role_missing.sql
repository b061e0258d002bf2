-- What still has to be done before the web application may read: whether the role is missing, may not be taken on, or
-- does not reach a table, or a table of listeners is not guarded. One row; all of it false if nothing is to be done.
select
    pg_roles.oid is null as is_missing,
    pg_roles.oid is not null and not pg_has_role(
        current_user,
        pg_roles.oid,
        case when cast(current_setting('server_version_num') as integer) < 160000 then 'member' else 'set' end
    ) as is_out_of_reach,
    exists (
        select 1
        from pg_class
        left join pg_attribute on pg_attribute.attrelid = pg_class.oid and pg_attribute.attname = 'listener_key'
        where
            pg_class.relnamespace = 'listening'::regnamespace
            and pg_class.relkind in ('r', 'p', 'v')
            and (
                not has_table_privilege(pg_roles.oid, pg_class.oid, 'select')
                or (
                    pg_class.relkind <> 'v'
                    and pg_attribute.attrelid is not null
                    and (
                        not pg_class.relrowsecurity
                        or not exists (
                            select 1 from pg_policy
                            where pg_policy.polrelid = pg_class.oid and pg_policy.polname = 'one_listener'
                        )
                    )
                )
            )
    ) as is_unguarded
from (values (1)) as always (one)
left join pg_roles on pg_roles.rolname = 'brapped_web'

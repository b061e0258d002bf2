-- The role that reads for the web application, and what confines it to the rows of one listener. Safe to run again.

do $$
begin
    create role brapped_web nologin;
exception
    when duplicate_object or unique_violation then null;  -- another database of this server has it
end
$$;

do $$
declare
    guarded record;
begin
    -- From version 16 on, who makes a role may not take it on before it is granted.
    if not pg_has_role(
        current_user, 'brapped_web', case when current_setting('server_version_num')::int < 160000 then 'member' else 'set' end
    ) then
        grant brapped_web to current_user;
    end if;
    grant usage on schema listening to brapped_web;
    grant select on all tables in schema listening to brapped_web;
    execute format('grant temporary on database %I to brapped_web', current_database());

    for guarded in
        select
            pg_class.oid::regclass as table_name,
            pg_class.oid as table_oid,
            pg_class.relrowsecurity as is_guarded
        from pg_class
        inner join pg_attribute on pg_attribute.attrelid = pg_class.oid and pg_attribute.attname = 'listener_key'
        where pg_class.relnamespace = 'listening'::regnamespace and pg_class.relkind in ('r', 'p')
    loop
        if not exists (
            select from pg_policy
            where pg_policy.polrelid = guarded.table_oid and pg_policy.polname = 'one_listener'
        ) then
            -- Everybody else reads as before: what they may see is decided by grants.
            execute format('create policy everybody on %s using (true)', guarded.table_name);
            execute format(
                'create policy one_listener on %s as restrictive to brapped_web using ('
                'listener_key = nullif(current_setting(''brapped.listener_key'', true), '''')::integer)',
                guarded.table_name
            );
        end if;
        if not guarded.is_guarded then
            execute format('alter table %s enable row level security', guarded.table_name);
        end if;
    end loop;
end
$$;

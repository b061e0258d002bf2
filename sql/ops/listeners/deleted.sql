-- Delete everything of one listener: the rows of all tables that have a listener_key, found in the catalogue, so that
-- no new table is forgotten; the rows of tables that hang on these by the key of a run, an import or a login; and the
-- contexts, devices and profiles that only this listener's plays used. One row for each table that lost rows.
create temporary table deleted_row (
    table_name text not null,
    row_count bigint not null
) on commit drop;

create temporary table orphan_key (
    column_name text not null,
    key bigint not null
) on commit drop;

create temporary table listener_table on commit drop as
select
    format('%I.%I', pg_namespace.nspname, pg_class.relname) as table_name,
    pg_attribute.attname as column_name
from pg_class
inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
inner join pg_attribute on pg_attribute.attrelid = pg_class.oid
where
    pg_namespace.nspname in ('listening', 'ops')
    and pg_class.relkind in ('r', 'p')
    and pg_attribute.attnum > 0
    and not pg_attribute.attisdropped;

do $$
declare
    used record;
    counted bigint;
begin
    -- the keys that other tables may hold
    for used in
        select
            held.table_name,
            held.column_name
        from listener_table as held
        where
            held.column_name in (
                'run_key', 'import_content_key', 'login_key', 'context_key', 'device_key', 'play_profile_key'
            )
            and exists (
                select 1
                from listener_table
                where
                    listener_table.table_name = held.table_name
                    and listener_table.column_name = 'listener_key'
            )
    loop
        execute format(
            'insert into orphan_key select distinct %L, %I from %s where listener_key = $1 and %I is not null',
            used.column_name, used.column_name, used.table_name, used.column_name
        ) using cast(:listener_key as integer);
    end loop;
    -- what hangs on a run, an import or a login
    for used in
        select
            held.table_name,
            held.column_name
        from listener_table as held
        where
            held.column_name in ('run_key', 'import_content_key', 'login_key')
            and not exists (
                select 1
                from listener_table
                where
                    listener_table.table_name = held.table_name
                    and listener_table.column_name = 'listener_key'
            )
    loop
        execute format(
            'delete from %s where %I in (select key from orphan_key where column_name = %L)',
            used.table_name, used.column_name, used.column_name
        );
        get diagnostics counted = row_count;
        insert into deleted_row
        values (used.table_name, counted);
    end loop;
    -- logins that a browser began with their app or invitation
    delete from ops.consent
    where
        consent.app_key in (select app.app_key from ops.app where app.listener_key = :listener_key)
        or consent.invitation_key in (
            select invitation.invitation_key from ops.invitation where invitation.listener_key = :listener_key
        );
    get diagnostics counted = row_count;
    insert into deleted_row
    values ('ops.consent', counted);
    delete from ops.pause
    where pause.scope in (select 'plays ' || key from orphan_key where column_name = 'login_key');
    get diagnostics counted = row_count;
    insert into deleted_row
    values ('ops.pause', counted);
    -- the rows of the listener, and the listener
    for used in
        select listener_table.table_name
        from listener_table
        where listener_table.column_name = 'listener_key'
        order by
            listener_table.table_name = 'listening.dim_listener',
            listener_table.table_name
    loop
        execute format('delete from %s where listener_key = $1', used.table_name) using cast(:listener_key as integer);
        get diagnostics counted = row_count;
        insert into deleted_row
        values (used.table_name, counted);
    end loop;
    -- what only their plays named
    for used in
        select
            dictionary.table_name,
            dictionary.column_name,
            string_agg(
                format(
                    ' and not exists (select 1 from %s as held where held.%I = dictionary.%I)',
                    held.table_name, dictionary.column_name, dictionary.column_name
                ),
                ''
            ) as is_unused
        from (
            values
            ('listening.dim_context', 'context_key'),
            ('listening.dim_device', 'device_key'),
            ('listening.dim_play_profile', 'play_profile_key')
        ) as dictionary (table_name, column_name)
        inner join listener_table as held
            on
                held.column_name = dictionary.column_name
                and held.table_name <> dictionary.table_name
        group by
            dictionary.table_name,
            dictionary.column_name
    loop
        execute format(
            'delete from %s as dictionary where %I <> 0 and %I in (select key from orphan_key where column_name = %L)%s',
            used.table_name, used.column_name, used.column_name, used.column_name, used.is_unused
        );
        get diagnostics counted = row_count;
        insert into deleted_row
        values (used.table_name, counted);
    end loop;
end
$$;

select
    deleted_row.table_name,
    sum(deleted_row.row_count)::bigint as row_count
from deleted_row
where deleted_row.row_count > 0
group by deleted_row.table_name
order by deleted_row.table_name

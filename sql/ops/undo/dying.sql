-- The contents that no import reports any longer once this receipt is taken back, and the sets that hold them, with
-- what is left of each.
create temporary table dying_content on commit drop as
select distinct import_file.import_content_key
from ops.import_file
where
    import_file.run_key = :receipt
    and import_file.import_content_key is not null
    and not exists (
        select 1
        from ops.import_file as other
        inner join ops.run on run.run_key = other.run_key
        where
            other.import_content_key = import_file.import_content_key
            and other.run_key <> :receipt
            and run.undone_at is null
    );

-- What stands for earlier imports is no reason any longer, once each of their files was imported again. Where they kept
-- no hash, files of one name and as many rows may differ: as many different ones have to have come again.
insert into dying_content (import_content_key)
select import_content.import_content_key
from ops.import_content
where
    import_content.listener_key = :listener_key
    and import_content.is_earlier
    and exists (
        select 1
        from ops.import_file
        inner join ops.run on run.run_key = import_file.run_key
        where
            run.listener_key = :listener_key
            and import_file.source is not null
            and import_file.import_content_key is null
    )
    and not exists (
        select 1
        from ops.import_file
        inner join ops.run on run.run_key = import_file.run_key
        where
            run.listener_key = :listener_key
            and import_file.source is not null
            and import_file.import_content_key is null
            and (
                select count(distinct again.import_content_key)
                from ops.import_file as again
                inner join ops.run as run_again on run_again.run_key = again.run_key
                where
                    run_again.listener_key = :listener_key
                    and again.import_content_key is not null
                    and case
                        when import_file.content_hash is not null then again.content_hash = import_file.content_hash
                        else
                            again.file_name = import_file.file_name
                            and again.row_count = import_file.row_count
                    end
            ) < case
                when import_file.content_hash is not null then 1
                else (
                    select count(*)
                    from ops.import_file as alike
                    inner join ops.run as run_alike on run_alike.run_key = alike.run_key
                    where
                        run_alike.listener_key = :listener_key
                        and alike.source is not null
                        and alike.import_content_key is null
                        and alike.content_hash is null
                        and alike.file_name = import_file.file_name
                        and alike.row_count = import_file.row_count
                )
            end
    );

create temporary table dying_set on commit drop as
select
    import_set.import_set_key,
    array(
        select key
        from unnest(import_set.content_keys) as every (key)
        where key not in (select dying_content.import_content_key from dying_content)
        order by key
    ) as content_keys
from ops.import_set
where
    import_set.listener_key = :listener_key
    and import_set.content_keys && array(select dying_content.import_content_key from dying_content)

-- Drop the temporary tables of a merge, so that the same transaction can merge for another listener. Which ones: all
-- that this transaction made, except what the merge of the catalogue leaves for every listener. A new temporary table
-- needs no mention here, unless it has to outlive a merge.
do $$
declare
    names text;
begin
    select string_agg(format('pg_temp.%I', pg_class.relname), ', ')
    into names
    from pg_class
    where
        pg_class.relnamespace = pg_my_temp_schema()
        and pg_class.relkind = 'r'
        and pg_class.xmin = pg_current_xact_id()::xid
        and pg_class.relname not in ('newest_track', 'changed_track', 'tracks_to_rematch');
    if names is not null then
        execute 'drop table ' || names;
    end if;
end
$$

-- Listeners that were merged into another one. Nothing of theirs is lost, so that it can be undone: their observations
-- stay under their own key, and the other listener gets copies, which the merge reports as an import reports its rows
-- (ops.import_set). Plays follow from the other's observations alone; the merged listener has none meanwhile.

-- Grain: a merge of one listener into another.
create table ops.listener_merge (
    merge_key integer generated always as identity primary key,
    listener_key integer not null,
    into_listener_key integer not null,
    import_content_key integer,
    exclusion_keys integer[] not null default '{}',
    merged_at timestamptz not null,
    undone_at timestamptz
);
create unique index listener_merge_holding on ops.listener_merge (listener_key) where undone_at is null;
comment on table ops.listener_merge is 'Which listener was merged into which, so that it can be taken back.';
comment on column ops.listener_merge.merge_key is 'Number of the merge.';
comment on column ops.listener_merge.listener_key is 'Who was merged into the other.';
comment on column ops.listener_merge.into_listener_key is 'Into whose record.';
comment on column ops.listener_merge.import_content_key is
    'What stands, in ops.import_set, for all that the record of the merged listener reports. Null: taken back.';
comment on column ops.listener_merge.exclusion_keys is
    'The rules of listening.exclusion that became the other''s.';
comment on column ops.listener_merge.merged_at is 'When they were merged.';
comment on column ops.listener_merge.undone_at is 'When it was taken back; null: it holds.';

alter table listening.dim_listener add column merged_into integer;
create index dim_listener_merged_into on listening.dim_listener (merged_into) where merged_into is not null;
comment on column listening.dim_listener.merged_into is
    'The listener into whose record this one was merged (brapped listener merge), and who has the plays meanwhile. '
    'Null: a listener of their own.';

-- Runs that left no record, local dates that were derived while the time zone changed, and which views are the newer ones.

alter table listening.dim_listener add column dates_checked_at timestamptz;
comment on column listening.dim_listener.dates_checked_at is 'When the local date of every play was last derived anew. Null: the next run does it.';

alter table ops.run
    add column repository_id bigint,
    add column run_number bigint,
    add column unrecorded_count integer;
comment on table ops.run is 'One row for each run of a job that reached the database, or of which a later run on the same computer knows that it failed.';
comment on column ops.run.repository_id is 'The repository on GitHub whose workflow it was; null elsewhere.';
comment on column ops.run.run_number is 'GitHub''s number of the run: it counts all runs of a workflow, whatever became of them. Null elsewhere.';
comment on column ops.run.unrecorded_count is 'How many runs of the workflow before it ended without a record: cancelled, skipped or failed, which nobody can tell. Null: not known.';

alter table ops.schema_change add column former_checksums text[] not null default '{}';
comment on column ops.schema_change.former_checksums is 'Of a view: the files that were applied before. A program that has one of these is the older one.';

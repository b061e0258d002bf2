-- Whose plays are still to be derived anew: one row a listener, from the schema file that changed the rule until it is
-- done, in one transaction each.

-- Grain: a listener.
create table ops.rebuild_due (
    listener_key integer primary key,
    schema_file text not null,
    due_at timestamptz not null,
    tried_at timestamptz,
    tried_by text
);
comment on table ops.rebuild_due is
    'Listeners whose plays are still to be derived anew, because an update changed the rule of matching. The next '
    'migrate or rebuild does it, or a job that has the time. Until then what is recorded anew follows the new rule.';
comment on column ops.rebuild_due.listener_key is 'Whose plays.';
comment on column ops.rebuild_due.schema_file is 'The last schema file that changed the rule.';
comment on column ops.rebuild_due.due_at is 'When it was applied.';
comment on column ops.rebuild_due.tried_at is
    'When a job last began to derive them that has a time limit. Null: none has yet.';
comment on column ops.rebuild_due.tried_by is 'That job: plays or dimensions.';

-- Where a copy stores the foreign keys it drops, so that an interrupted copy can restore them. Dropped when the copy is
-- complete.
create table ops.copy_reference (
    table_name text not null,
    other_name text not null,
    constraint_name text not null,
    definition text not null,
    primary key (table_name, constraint_name)
);
comment on table ops.copy_reference is
    'References between tables that are taken away while another database, or a backup, is copied into this one.';
comment on column ops.copy_reference.table_name is 'The table that refers to another.';
comment on column ops.copy_reference.other_name is 'The table that it refers to.';
comment on column ops.copy_reference.constraint_name is 'Name of the constraint.';
comment on column ops.copy_reference.definition is 'The constraint, as Postgres writes it.';

-- Which warehouse this is, so that a copy of it is known again, and whether it is whole.

create table ops.warehouse (
    warehouse_id uuid primary key,
    made_at timestamptz not null,
    copy_started_at timestamptz
);
comment on table ops.warehouse is 'One row: which warehouse this is. A copy has the id of the original.';
comment on column ops.warehouse.warehouse_id is 'Made up with the warehouse.';
comment on column ops.warehouse.made_at is 'When it was made; of a copy, when the original was.';
comment on column ops.warehouse.copy_started_at is 'Since when another database, or a backup, is being copied into this one. Null: it is whole.';

insert into ops.warehouse (warehouse_id, made_at)
select
    gen_random_uuid(),
    now();

-- Store a foreign key that is dropped until the copy is complete.
insert into ops.copy_reference (
    table_name,
    other_name,
    constraint_name,
    definition
)
values (
    :table_name,
    :other_name,
    :constraint_name,
    :definition
)

-- Notes a reference that is taken away until the copy is whole.
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

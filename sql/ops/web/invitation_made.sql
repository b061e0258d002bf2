-- Store an invitation.
insert into ops.invitation (
    token_hash,
    note,
    created_at,
    ends_at
)
values (
    :token_hash,
    :note,
    :now,
    :ends_at
)
returning invitation_key

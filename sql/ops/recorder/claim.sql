-- Claim a listener for a recorder. Returns who holds them now: the row of another recorder if that one has not released
-- the listener, and is not to be taken over.
insert into ops.recorder (
    listener_key,
    holder_id,
    host_name,
    claimed_at
)
values (
    :listener_key,
    :holder_id,
    :host_name,
    :now
)
on conflict (listener_key) do update
set
    holder_id = excluded.holder_id,
    host_name = excluded.host_name,
    claimed_at = case
        when recorder.holder_id = excluded.holder_id and recorder.released_at is null then recorder.claimed_at
        else excluded.claimed_at
    end,
    released_at = null
where
    recorder.holder_id = excluded.holder_id
    or recorder.released_at is not null
    or cast(:is_takeover as boolean)

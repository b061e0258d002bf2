-- Take or renew the lease of a job; no row if somebody else holds it.
insert into ops.lease (
    job,
    holder,
    expires_at
)
values (
    :job,
    :holder,
    :now + :life
)
on conflict (job) do update
set
    holder = excluded.holder,
    expires_at = excluded.expires_at
where
    lease.holder = excluded.holder
    or lease.expires_at <= :now
returning holder

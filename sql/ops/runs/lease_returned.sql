-- Return the lease, if it is still ours.
delete from ops.lease
where
    lease.job = :job
    and lease.holder = :holder

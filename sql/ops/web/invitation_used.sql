-- Use an invitation up. No row if somebody else did, or it has ended.
update ops.invitation
set
    used_at = :now,
    listener_key = :listener_key
where
    invitation.invitation_key = :invitation_key
    and invitation.used_at is null
    and invitation.ends_at > cast(:now as timestamptz)
returning invitation_key

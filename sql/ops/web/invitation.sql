-- The invitation with this token, if it still works.
select invitation.invitation_key
from ops.invitation
where
    invitation.token_hash = :token_hash
    and invitation.used_at is null
    and invitation.ends_at > cast(:now as timestamptz)

-- All invitations, the newest first.
select
    invitation.invitation_key,
    invitation.note,
    invitation.created_at,
    invitation.ends_at,
    invitation.used_at,
    invitation.listener_key
from ops.invitation
order by invitation.invitation_key desc

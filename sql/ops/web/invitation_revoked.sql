-- Take an invitation back that nobody has used. No row if there is none.
delete from ops.invitation
where
    invitation.invitation_key = :invitation_key
    and invitation.used_at is null
returning invitation_key

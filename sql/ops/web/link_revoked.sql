-- Revoke a link of a listener. No row if they have none with this number.
delete from ops.shared_link
where
    shared_link.shared_link_key = :shared_link_key
    and shared_link.listener_key = :listener_key
returning shared_link_key

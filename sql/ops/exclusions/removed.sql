-- A rule of a listener goes; no row if there is none of this number.
delete from listening.exclusion
where
    exclusion.listener_key = :listener_key
    and exclusion.exclusion_key = :exclusion_key
returning exclusion.exclusion_key

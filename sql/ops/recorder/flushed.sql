-- Note a flush of a recorder. Returns a row if it still watches this listener.
update ops.recorder
set
    flushed_at = :now,
    answered_at = coalesce(:answered_at, recorder.answered_at),
    call_count = :call_count,
    call_date = :call_date,
    refused_count = :refused_count,
    released_at = case when cast(:is_last as boolean) then cast(:now as timestamptz) end
where
    recorder.listener_key = :listener_key
    and recorder.holder_id = :holder_id
returning recorder.listener_key

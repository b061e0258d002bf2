-- Release the listeners that a recorder has claimed: it ends without a last flush.
update ops.recorder
set released_at = :now
where
    recorder.holder_id = :holder_id
    and recorder.released_at is null

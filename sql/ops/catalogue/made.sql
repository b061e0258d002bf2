-- How many of the reserved calls were made.
update ops.catalogue_call
set call_count = :call_count
where catalogue_call.catalogue_call_key = :catalogue_call_key

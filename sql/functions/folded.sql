-- A name as a search compares it, for whoever may not look into ops: its body is read when it is made, not when it is called.

create or replace function listening.folded(told text)
returns text
language sql immutable parallel safe
return ops.folded(told);

comment on function listening.folded is 'A name without case, width and accents, as a search compares it.';

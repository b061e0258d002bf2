-- A name as search compares it, for readers without access to ops: Postgres resolves the body when the function is
-- made.

create or replace function listening.folded(told text)
returns text
language sql immutable parallel safe
return ops.folded(told);

comment on function listening.folded is 'A name without case, width and accents, as a search compares it.';

-- The extension that search needs, in the schema where this database creates new objects.
set local search_path to default;

create extension if not exists pg_trgm

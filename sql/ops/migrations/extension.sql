-- The extension that search needs, in the schema that the settings of this database choose for what is new.
set local search_path to default;

create extension if not exists pg_trgm

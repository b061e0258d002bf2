-- Which parts of the warehouse exist, and whether this user may read the bookkeeping.
select
    to_regclass('listening.dim_listener') is not null as is_made,
    to_regclass('listening.schema_file') is not null as has_files,
    coalesce(has_schema_privilege(to_regnamespace('ops')::oid, 'usage'), false) as sees_bookkeeping

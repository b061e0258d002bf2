-- Roles that may read the star, apart from its owner.
select distinct pg_roles.rolname::text as role_name
from pg_catalog.pg_namespace
cross join lateral pg_catalog.aclexplode(pg_namespace.nspacl) as granted
inner join pg_catalog.pg_roles on pg_roles.oid = granted.grantee
where
    pg_namespace.nspname = 'listening'
    and granted.grantee <> pg_namespace.nspowner
order by role_name

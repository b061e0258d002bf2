-- Store a link that shows one page.
insert into ops.shared_link (
    token_hash,
    listener_key,
    page_name,
    page_parameters,
    created_at,
    ends_at
)
values (
    :token_hash,
    :listener_key,
    :page_name,
    cast(:page_parameters as jsonb),
    :now,
    :ends_at
)
returning shared_link_key

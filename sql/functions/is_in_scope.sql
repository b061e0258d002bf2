-- Whether a play meets what a rule of what is left out asks of it besides its track: the first seven arguments are
-- the rule's, the others the play's. Null in a rule: it does not ask.
-- What may be costly is named once, so that the planner takes the function apart.

create or replace function listening.is_in_scope(
    rule_context_key integer,
    rule_device_keys integer[],
    from_minute smallint,
    until_minute smallint,
    weekdays smallint[],
    since_date_key integer,
    until_date_key integer,
    context_key integer,
    device_key integer,
    time_key smallint,
    date_key integer
)
returns boolean
language sql immutable parallel safe
as $$
select
    coalesce(context_key = rule_context_key, true)
    and coalesce(device_key = any(rule_device_keys), true)
    and (
        from_minute is null
        or case
            when from_minute < until_minute then time_key >= from_minute and time_key < until_minute
            else time_key >= from_minute or time_key < until_minute
        end
    )
    and coalesce(date_key >= since_date_key, true)
    and coalesce(date_key <= until_date_key, true)
    and (
        weekdays is null
        or extract(
            isodow from make_date(date_key / 10000, date_key / 100 % 100, date_key % 100)
        )::smallint = any(weekdays)
    )
$$;

comment on function listening.is_in_scope is
    'Whether a play meets what a rule of listening.exclusion asks of it besides its track.';

-- Grain: a listener. Which local days are recorded, computed once per listener, not once per row that is joined to it
-- (distinct).

create or replace view listening.listener_record with (security_invoker = true) as
select distinct on (dim_listener.listener_key)
    dim_listener.listener_key,
    dim_listener.time_zone,
    recorded_days.covered_days,
    recorded_days.lost_days,
    recorded_days.first_date,
    recorded_days.new_since
from listening.dim_listener
cross join lateral listening.recorded_days(dim_listener.listener_key);

comment on view listening.listener_record is
    'Which local days of a listener are recorded; see the function recorded_days. No row while nothing is recorded.';
comment on column listening.listener_record.listener_key is 'Who listened.';
comment on column listening.listener_record.time_zone is 'The time zone that local days are counted in.';
comment on column listening.listener_record.covered_days is 'Days that are covered.';
comment on column listening.listener_record.lost_days is
    'Days with an open gap: some of their plays were probably lost.';
comment on column listening.listener_record.first_date is 'The first recorded day.';
comment on column listening.listener_record.new_since is
    'The day from which a first play is a discovery, because ninety covered days precede it; null: not yet.';

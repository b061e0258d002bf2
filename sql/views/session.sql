-- Grain: a listening session: plays with at most thirty minutes of silence in between.

create or replace view listening.session with (security_invoker = true) as
select
    sessions.listener_key,
    sessions.started_at,
    sessions.ended_at,
    sessions.listen_count,
    sessions.listened_ms
from listening.sessions('-infinity', 'infinity');

comment on view listening.session is
    'Listening sessions: everything that was listened to without more than thirty minutes of silence in between.';
comment on column listening.session.listener_key is 'Who listened.';
comment on column listening.session.started_at is 'Begin of the first thing, by its reported or estimated length.';
comment on column listening.session.ended_at is 'End of the last thing.';
comment on column listening.session.listen_count is 'Everything that was listened to, however short.';
comment on column listening.session.listened_ms is 'Milliseconds listened, reported or else estimated.';

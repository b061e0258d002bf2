-- Which sources reported a play, with their own timestamps: one row a play and source.

create or replace view listening.play_source as
select
    fact_play.play_key,
    fact_play.listener_key,
    'recently_played' as source,
    fact_play.played_at as first_reported_at,
    fact_play.played_at + coalesce(fact_play.recently_played_offset_ms, 0) * interval '1 millisecond' as last_reported_at
from listening.fact_play
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
where dim_play_profile.has_recently_played;

comment on view listening.play_source is 'Provenance: which sources reported a play, with their own timestamps. One row a play and source.';
comment on column listening.play_source.play_key is 'The play.';
comment on column listening.play_source.listener_key is 'Who listened.';
comment on column listening.play_source.source is 'recently_played.';
comment on column listening.play_source.first_reported_at is 'Earliest moment at which this source dated the play.';
comment on column listening.play_source.last_reported_at is 'Latest moment at which this source dated the play; it differs where Spotify re-dated it.';

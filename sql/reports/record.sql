-- What is recorded of this listener, and how far it reaches
select
    count(*) as play_count,
    count(distinct fact_play.track_key) as track_count,
    (
        select count(distinct bridge_track_artist.artist_key)
        from listening.bridge_track_artist
        where
            bridge_track_artist.track_key in (
                select played.track_key
                from listening.fact_play as played
                where played.listener_key = :listener_key
            )
    ) as artist_count,
    min(fact_play.played_at) as first_played_at,
    max(fact_play.played_at) as last_played_at
from listening.fact_play
where fact_play.listener_key = :listener_key

-- Tracks that a provider of audio features should be asked for, the most played first. One that is asked by ISRC comes
-- after those by id; one that only tells the tempo comes after those that tell more.
with heard as (
    select
        fact_play.track_key,
        count(*) as play_count
    from listening.fact_play
    group by fact_play.track_key
)
select
    dim_track.track_key as item_key,
    dim_track.track_id as spotify_id,
    dim_track.isrc,
    dim_track.duration_ms
from heard
inner join listening.dim_track on dim_track.track_key = heard.track_key
left join ops.provider_miss
    on
        provider_miss.provider = :provider
        and provider_miss.kind = :kind
        and provider_miss.item_key = dim_track.track_key
where
    dim_track.content_type = 'track'
    -- an ISRC without a length proves nothing, so nobody is asked for one
    and case
        when :kind = 'track_id' then dim_track.track_id is not null
        else dim_track.isrc is not null and dim_track.duration_ms > 0
    end
    and not exists (
        select 1
        from listening.track_feature
        where
            track_feature.track_key = dim_track.track_key
            and (
                track_feature.provider = :provider
                -- what Spotify itself once told in full is told to nobody
                or (
                    track_feature.provider = 'spotify_archive'
                    and num_nulls(track_feature.danceability, track_feature.energy, track_feature.valence) = 0
                )
                -- whoever only tells the tempo is not needed where one is known
                or (:is_tempo and track_feature.tempo is not null)
            )
    )
    and (
        cast(:waits_for as text) is null
        or exists (
            select 1
            from ops.provider_miss as before
            where
                before.provider = :waits_for
                and before.kind = :waits_for_kind
                and before.item_key = dim_track.track_key
        )
        -- or whoever comes before knows the track and not its tempo
        or (
            :is_tempo
            and exists (
                select 1
                from listening.track_feature as before
                where
                    before.provider = :waits_for
                    and before.track_key = dim_track.track_key
            )
        )
    )
    and (provider_miss.ask_again_at is null or provider_miss.ask_again_at <= :now)
order by
    heard.play_count desc,
    dim_track.track_key
limit :work_limit

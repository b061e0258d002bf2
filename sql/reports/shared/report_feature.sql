-- Recordings of the counted plays (report_play) with audio features: averages weigh each by its plays. Of several
-- tracks of one recording the most played one with features stands for it.
create temporary table report_feature on commit drop as
select distinct on (heard.recording_key)
    heard.recording_key,
    heard.track_key,
    sum(heard.play_count) over (partition by heard.recording_key) as play_count,
    chosen_feature.energy,
    chosen_feature.valence,
    chosen_feature.danceability,
    chosen_feature.acousticness,
    chosen_feature.tempo,
    chosen_feature.provider
from (
    select
        report_play.recording_key,
        report_play.track_key,
        count(*) as play_count
    from report_play
    where report_play.is_music
    group by
        report_play.recording_key,
        report_play.track_key
) as heard
left join listening.chosen_feature on chosen_feature.track_key = heard.track_key
order by
    heard.recording_key,
    chosen_feature.energy is null,
    chosen_feature.track_key is null,
    heard.play_count desc,
    heard.track_key;

analyze report_feature;

-- How far each is from the average of all plays, for those of which all features are known.
create temporary table report_typical on commit drop as
with average as (
    select
        stddev_pop(report_feature.energy) as energy_spread,
        stddev_pop(report_feature.valence) as valence_spread,
        stddev_pop(report_feature.danceability) as danceability_spread,
        stddev_pop(report_feature.acousticness) as acousticness_spread,
        stddev_pop(report_feature.tempo) as tempo_spread,
        sum(report_feature.energy * report_feature.play_count) / sum(report_feature.play_count) as energy,
        sum(report_feature.valence * report_feature.play_count) / sum(report_feature.play_count) as valence,
        sum(report_feature.danceability * report_feature.play_count) / sum(report_feature.play_count) as danceability,
        sum(report_feature.acousticness * report_feature.play_count) / sum(report_feature.play_count) as acousticness,
        sum(report_feature.tempo * report_feature.play_count) / sum(report_feature.play_count) as tempo
    from report_feature
    where
        num_nulls(
            report_feature.energy, report_feature.valence, report_feature.danceability, report_feature.acousticness,
            report_feature.tempo
        ) = 0
),
measured as (
    -- in spreads of each feature; one that is the same everywhere tells nothing
    select
        report_feature.track_key,
        report_feature.play_count,
        report_feature.provider,
        sqrt(
            coalesce(power((report_feature.energy - average.energy) / nullif(average.energy_spread, 0), 2), 0)
            + coalesce(power((report_feature.valence - average.valence) / nullif(average.valence_spread, 0), 2), 0)
            + coalesce(
                power(
                    (report_feature.danceability - average.danceability) / nullif(average.danceability_spread, 0), 2
                ),
                0
            )
            + coalesce(
                power(
                    (report_feature.acousticness - average.acousticness) / nullif(average.acousticness_spread, 0), 2
                ),
                0
            )
            + coalesce(power((report_feature.tempo - average.tempo) / nullif(average.tempo_spread, 0), 2), 0)
        ) as distance,
        report_feature.energy,
        report_feature.valence,
        report_feature.danceability,
        report_feature.acousticness,
        report_feature.tempo
    from report_feature
    cross join average
    where
        num_nulls(
            report_feature.energy, report_feature.valence, report_feature.danceability, report_feature.acousticness,
            report_feature.tempo
        ) = 0
)
select
    measured.track_key,
    dim_track.track_name,
    (
        select track_credit.artist_names
        from listening.track_credit
        where track_credit.track_key = measured.track_key
    ) as artist_names,
    measured.play_count::bigint as play_count,
    round(measured.energy::numeric, 2)::double precision as energy,
    round(measured.valence::numeric, 2)::double precision as valence,
    round(measured.tempo::numeric, 1)::double precision as tempo,
    round(measured.danceability::numeric, 2)::double precision as danceability,
    round(measured.acousticness::numeric, 2)::double precision as acousticness,
    round(measured.distance::numeric, 3)::double precision as distance,
    provider.provider_name,
    listening.spotify_url(dim_track.track_uri) as track_url,
    dim_album.image_url
from measured
inner join listening.dim_track on dim_track.track_key = measured.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
inner join listening.provider on provider.provider = measured.provider

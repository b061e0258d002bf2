-- Recordings of the counted plays (report_play) with audio features: averages weigh each by its plays. Of several tracks
-- of one recording the most played one with features stands for it.
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

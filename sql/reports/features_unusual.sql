-- Least typical
select
    report_typical.track_name,
    report_typical.artist_names,
    report_typical.play_count,
    report_typical.energy,
    report_typical.valence,
    report_typical.tempo,
    report_typical.danceability,
    report_typical.acousticness,
    report_typical.distance,
    report_typical.provider_name,
    report_typical.track_url,
    report_typical.image_url
from report_typical
order by
    report_typical.distance desc,
    report_typical.play_count desc,
    report_typical.track_name,
    report_typical.track_key
limit :row_limit

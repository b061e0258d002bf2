-- Other listeners with plays of tracks that this batch found to be one recording or, with_changed, describes anew.
with touched as (
    select linked_track.track_key
    from linked_track
    union
    select tracks_to_rematch.track_key
    from tracks_to_rematch
    where :with_changed
)
select distinct fact_play.listener_key
from listening.fact_play
where
    exists (select 1 from touched)
    and fact_play.listener_key <> :but_not
    and (
        fact_play.track_key in (select touched.track_key from touched)
        or fact_play.recently_played_track_key in (select touched.track_key from touched)
        or fact_play.account_export_track_key in (select touched.track_key from touched)
        or fact_play.extended_export_track_key in (select touched.track_key from touched)
    )
order by fact_play.listener_key

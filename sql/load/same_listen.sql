-- The rule for "the same listen". Run until it finds no more: each round takes the pairs that are nearest to each other on
-- both sides, which is what taking the nearest pair of all, again and again, would take.
--
-- A play of the batch and a known play are one listen when they are of the same track, less than a second apart or the play
-- of the batch up to 45 seconds earlier, and neither has a nearer partner. Why so wide: Spotify re-dates plays it has already
-- told, mostly by milliseconds or a second or two, but in May 2026 by up to 31 s; always back, never forward. Why that is safe:
-- pairing is one to one and nearest first, and whatever was not re-dated pairs with itself, at distance 0; so a real repeat
-- finds its neighbour taken and stays a play of its own.
-- A known play that lies before all of the batch may be missing from it, as the list ends after 50: there a second is the limit.

with batch_span as (
    select min(reported_play.played_at) as starts_at
    from reported_play
),
candidate as (
    select
        reported_play.item_number,
        known_play.play_key,
        known_play.latest_at < batch_span.starts_at as is_before_batch,
        reported_play.played_at <= known_play.latest_at as is_back,
        least(
            abs(extract(epoch from reported_play.played_at - known_play.played_at)),
            abs(extract(epoch from reported_play.played_at - known_play.latest_at)),
            abs(extract(epoch from reported_play.latest_at - known_play.played_at)),
            abs(extract(epoch from reported_play.latest_at - known_play.latest_at))
        ) as seconds_apart
    from reported_play
    inner join known_play on known_play.track_key = reported_play.track_key
    cross join batch_span
    where
        reported_play.item_number not in (select same_listen.item_number from same_listen)
        and known_play.play_key not in (select same_listen.play_key from same_listen)
),
ranked as (
    select
        candidate.item_number,
        candidate.play_key,
        row_number() over (
            partition by candidate.item_number
            order by candidate.seconds_apart, candidate.play_key
        ) as rank_for_item,
        row_number() over (
            partition by candidate.play_key
            order by candidate.seconds_apart, candidate.item_number
        ) as rank_for_play
    from candidate
    where
        candidate.seconds_apart <= 45
        and (candidate.seconds_apart < 1 or (candidate.is_back and not candidate.is_before_batch))
)
insert into same_listen (
    item_number,
    play_key
)
select
    ranked.item_number,
    ranked.play_key
from ranked
where
    ranked.rank_for_item = 1
    and ranked.rank_for_play = 1
returning item_number;

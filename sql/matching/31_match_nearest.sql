-- Takes the pairs tier by tier, the nearest first. A pair is taken unless the plays that its two sides belong to by
-- then have a source in common: so each source has one play in a play. Equally near pairs: the earlier first, then the
-- longer one.
--
-- A pair of which nothing is compared is a guess: it counts while one side, with all that is matched to it, has no
-- name; or if a source that is matched to it by then gives the other's name. A last resort counts while neither side is
-- matched to a source with better names.

-- Pairs that stand alone are taken. Guesses are left to the loop.
create temporary table contested_candidate on commit drop as
select match_candidate.*
from match_candidate
where
    match_candidate.nameless_seconds is not null
    or match_candidate.is_last_resort
    or match_candidate.source_play_number in (select contested_play.source_play_number from contested_play)
    or match_candidate.other_number in (select contested_play.source_play_number from contested_play);

insert into play_member (
    source_play_number,
    play_number,
    is_left_over
)
select
    member.source_play_number,
    least(match_candidate.source_play_number, match_candidate.other_number),
    false
from match_candidate
cross join lateral (values (match_candidate.source_play_number), (match_candidate.other_number))
    as member (source_play_number)
where
    match_candidate.nameless_seconds is null
    and not match_candidate.is_last_resort
    and match_candidate.source_play_number not in (select contested_play.source_play_number from contested_play)
    and match_candidate.other_number not in (select contested_play.source_play_number from contested_play);

do $$
declare
    candidate record;
    play_numbers integer[];  -- by source_play_number: the play it belongs to
    source_bits bigint[];  -- by play: which sources it has
    named_tracks integer[];  -- by play: a track that one of them names; 0: none does
    one integer;
    other integer;
    size integer := (select coalesce(max(source_play.source_play_number), 0) from source_play);
begin
    if not exists (select 1 from contested_candidate) then
        return;
    end if;
    play_numbers := array_fill(null::integer, array[size]);
    source_bits := array_fill(null::bigint, array[size]);
    named_tracks := array_fill(null::integer, array[size]);
    for candidate in
        select
            contested_candidate.source_play_number as one,
            contested_candidate.other_number as other,
            contested_candidate.ranked_seconds - floor(contested_candidate.ranked_seconds / 1000000) * 1000000 as seconds,
            contested_candidate.nameless_seconds,
            1::bigint << play.source_key as one_bit,
            1::bigint << other_play.source_key as other_bit,
            play.track_key as one_track,
            other_play.track_key as other_track,
            case
                when contested_candidate.is_last_resort then (
                    select coalesce(bit_or(1::bigint << better.source_key), 0)
                    from listening.source as better
                    inner join listening.source as own on own.source_key = play.source_key
                    inner join listening.source as others on others.source_key = other_play.source_key
                    where better.name_rank < least(own.name_rank, others.name_rank)
                )
                else 0
            end as better_bits
        from contested_candidate
        inner join source_play as play on play.source_play_number = contested_candidate.source_play_number
        inner join source_play as other_play on other_play.source_play_number = contested_candidate.other_number
        inner join listening.dim_track as track on track.track_key = play.track_key
        inner join listening.dim_track as other_track on other_track.track_key = other_play.track_key
        order by
            contested_candidate.ranked_seconds,
            least(play.observed_at, other_play.observed_at),
            greatest(play.observed_at, other_play.observed_at),
            other_play.observed_at,
            play.ms_played desc nulls last,
            other_play.ms_played desc nulls last,
            play.started_at nulls first,
            track.track_uri collate "C",
            other_track.track_uri collate "C",
            contested_candidate.source_play_number,
            contested_candidate.other_number
    loop
        one := candidate.one;
        if play_numbers[one] is null then
            play_numbers[one] := one;
            source_bits[one] := candidate.one_bit;
            named_tracks[one] := candidate.one_track;
        end if;
        other := candidate.other;
        if play_numbers[other] is null then
            play_numbers[other] := other;
            source_bits[other] := candidate.other_bit;
            named_tracks[other] := candidate.other_track;
        end if;
        while play_numbers[one] <> one loop
            one := play_numbers[one];
        end loop;
        while play_numbers[other] <> other loop
            other := play_numbers[other];
        end loop;
        continue when (source_bits[one] & source_bits[other]) <> 0;
        continue when ((source_bits[one] | source_bits[other]) & candidate.better_bits) <> 0;
        if candidate.nameless_seconds is not null then
            if 0 in (named_tracks[one], named_tracks[other]) then
                continue when candidate.seconds > candidate.nameless_seconds;
            else
                continue when not exists (
                    select 1
                    from listening.track_namesake
                    where
                        track_namesake.track_key = named_tracks[one]
                        and track_namesake.namesake_track_key = named_tracks[other]
                );
            end if;
        end if;
        play_numbers[greatest(one, other)] := least(one, other);
        source_bits[least(one, other)] := source_bits[one] | source_bits[other];
        named_tracks[least(one, other)] := coalesce(nullif(named_tracks[one], 0), named_tracks[other]);
    end loop;
    for number in 1..size loop
        continue when play_numbers[number] is null;
        one := number;
        while play_numbers[one] <> one loop
            one := play_numbers[one];
        end loop;
        play_numbers[number] := one;
    end loop;
    insert into play_member (
        source_play_number,
        play_number,
        is_left_over
    )
    select
        belonging.source_play_number,
        belonging.play_number,
        false
    from unnest(play_numbers) with ordinality as belonging (play_number, source_play_number)
    where belonging.play_number is not null;
end
$$

-- What is a counted play. Decided here and nowhere else; the reader chooses the minimum.
--
--     30s    at least thirty seconds, reported or else estimated; or of unknown length
--     half   at least half of it, or four minutes; if its length is unknown, played to the end
--     full   to the end, except for twelve seconds: the longest crossfade
--     all    everything

create or replace function listening.is_counted(counts_as text, played_ms integer, duration_ms integer, reason_end text)
returns boolean
language sql immutable parallel safe
as $$
select
    coalesce(
        played_ms >= case counts_as
            when '30s' then 30000
            when 'half' then least(duration_ms / 2, 240000)
            when 'full' then duration_ms - 12000
            when 'all' then 0
        end,
        counts_as in ('30s', 'all')
    )
    or (
        reason_end = 'trackdone'
        and (counts_as = 'full' or (counts_as = 'half' and duration_ms is null))
    ) is true
$$;

comment on function listening.is_counted is
    'Whether a listen counts as a play: 30s (at least thirty seconds, reported or else estimated, or unknown), half '
    '(at least half, or four minutes), full (to its end), all (everything).';

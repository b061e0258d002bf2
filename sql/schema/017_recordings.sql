-- What a person decides about recordings: that two tracks are one, or that they are two. Everything else about
-- recordings is derived (dimensions/track_recording.sql), and never against such a row.

-- Grain: a pair of tracks. By their URIs, which a rebuild, a backup and another database keep, and which need not be
-- recorded yet. No index holds two URIs of the greatest length, so the unique one is of their hashes.
create table listening.recording_decision (
    decision_key integer generated always as identity primary key,
    track_uri text not null,
    other_track_uri text not null,
    is_same boolean not null,
    decided_at timestamptz not null,
    note text,
    check (track_uri < other_track_uri collate "C")
);
create unique index recording_decision_pair on listening.recording_decision (md5(track_uri), md5(other_track_uri));
comment on table listening.recording_decision is
    'What a person decided about pairs of tracks, with brapped recordings merge and split. No import and no rebuild '
    'overrules it. Without its row, everything is as if it had never been.';
comment on column listening.recording_decision.decision_key is 'Number of the decision: what recordings undo takes.';
comment on column listening.recording_decision.track_uri is
    'One of the two tracks, as dim_track.track_uri has it: the lower one, byte by byte.';
comment on column listening.recording_decision.other_track_uri is 'The other one.';
comment on column listening.recording_decision.is_same is
    'Whether the two are one recording (merge), or two (split). What a split parts is never joined, whatever else is.';
comment on column listening.recording_decision.decided_at is 'When the person decided it.';
comment on column listening.recording_decision.note is 'The person''s own words, if any.';

-- Joins things, numbered from 1 to size, link by link, but never two that apart holds as a pair (first, second, first,
-- second …), nor what is joined with them. The state: for each thing the lowest number among those joined with it.
create function ops.next_united(state integer [], one integer, other integer, size integer, apart integer [])
returns integer []
language sql immutable parallel safe
as $$
with known as (
    select coalesce(
        state,
        array(select numbers.number from generate_series(1, size) as numbers (number))
    ) as labels
),
met as (
    select
        known.labels,
        least(known.labels[one], known.labels[other]) as lower_label,
        greatest(known.labels[one], known.labels[other]) as upper_label
    from known
)
select case
    when met.lower_label = met.upper_label then met.labels
    when exists (
        select 1
        from generate_series(1, coalesce(cardinality(apart), 0), 2) as places (place)
        where
            least(met.labels[apart[places.place]], met.labels[apart[places.place + 1]]) = met.lower_label
            and greatest(met.labels[apart[places.place]], met.labels[apart[places.place + 1]]) = met.upper_label
    )
        then met.labels
    else array_replace(met.labels, met.upper_label, met.lower_label)
end
from met
$$;
comment on function ops.next_united is 'The step of ops.united.';

create aggregate ops.united(integer, integer, integer, integer []) (
    sfunc = ops.next_united,
    stype = integer []
);
comment on aggregate ops.united(integer, integer, integer, integer []) is
    'Over links between things in order (one, other, how many things, pairs that stay apart): for each thing the '
    'lowest number among those joined with it. A link that would join two that stay apart is left out.';

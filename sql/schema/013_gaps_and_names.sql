-- Why a gap could come about is one of three reasons. And when a track that is known by name alone was searched for.

alter table ops.coverage
    add check (reason in ('run_missing', 'outage', 'full_window'));
comment on column ops.coverage.reason is
    'Why a gap could come about. run_missing: no run asked for hours. outage: the runs before had failed. full_window: '
    'more was played than the list holds, between two runs on time; or plays came late, at its very end. Null in '
    'ledgers older than the column.';
comment on column ops.coverage.closed_at is
    'When an export, or a page of the list that had been overtaken, brought what the gap had lost; null while it is '
    'open.';

create function ops.is_room(starts_at timestamptz, ends_at timestamptz, last_ms integer)
returns boolean
language sql immutable parallel safe
return
    ends_at - starts_at >= interval '1 minute'
    -- tracks can be faded into each other for 12 s, and the list holds no play of less than 30 s
    and coalesce(
        ends_at - starts_at < last_ms * interval '1 millisecond' - interval '12 seconds'
        or ends_at - starts_at >= last_ms * interval '1 millisecond' + interval '30 seconds',
        true
    );
comment on function ops.is_room is
    'Whether a play of the list fits between two others, by their ends and the length of the later one''s track.';

comment on table ops.catalogue_miss is
    'Ids that Spotify''s catalogue does not know, or gives no answer about, and names that a search did not find. Asked '
    'again on other days: ids a few times at most, names after ever longer pauses.';
comment on column ops.catalogue_miss.kind is 'artist, track, album or episode; name for a track known by name alone.';
comment on column ops.catalogue_miss.spotify_id is 'The id asked for; of a name the URI made of it.';

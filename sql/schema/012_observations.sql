-- Observations are kept, and plays are derived from them: what each source said stands in listening.observation, and
-- fact_play holds only what follows from it. Sources and the numbers of the rule that matches them are rows.
-- rebuild: after this file all plays are derived anew.

-- Grain: a source of plays.
create table listening.source (
    source_key smallint primary key check (source_key between 1 and 60),
    source_name text not null unique,
    date_rank smallint not null,
    ms_rank smallint,
    name_rank smallint not null,
    context_rank smallint,
    device_rank smallint,
    precision_s smallint not null,
    is_redating boolean not null,
    ms_basis text,
    coverage text check (coverage in ('window', 'span', 'watched')),
    has_ids boolean not null default true
);
comment on table listening.source is
    'Who reports plays. Of several sources of a play, the one of the lowest rank decides an attribute.';
comment on column listening.source.source_key is 'Number of the source, 1 to 60.';
comment on column listening.source.source_name is 'recently_played, extended_export, account_export, player …';
comment on column listening.source.date_rank is 'Rank for the date of a play.';
comment on column listening.source.ms_rank is 'Rank for the milliseconds listened. Null: it never gives them.';
comment on column listening.source.name_rank is 'Rank for what was played, among those that give an id, or a name.';
comment on column listening.source.context_rank is 'Rank for the context. Null: it never gives one.';
comment on column listening.source.device_rank is
    'Rank for the device, the reasons and the flags. Null: it never gives them.';
comment on column listening.source.precision_s is
    'Its dates are cut to so many seconds: 60 for a source that gives the minute. 0: they are exact.';
comment on column listening.source.is_redating is 'Whether it may date one play differently from time to time.';
comment on column listening.source.ms_basis is 'reported or measured: how it knows the milliseconds.';
comment on column listening.source.coverage is
    'What a batch of it covers. window: its latest plays; between two windows that do not meet may be a gap. span: '
    'everything from the first to the last play of a package, so it closes gaps. watched: everything while it ran, so '
    'a gap begins at its last play. Null: its plays say nothing about others.';
comment on column listening.source.has_ids is 'Whether it gives the ids of tracks. False: only names.';

insert into listening.source
values
(1, 'extended_export', 3, 1, 1, null, 1, 0, false, 'reported', 'span', true),
(2, 'recently_played', 1, null, 2, 1, null, 0, true, null, 'window', true),
(3, 'account_export', 4, 3, 4, null, null, 60, false, 'reported', 'span', false),
(4, 'player', 2, 2, 3, 2, 2, 0, false, 'measured', 'watched', true);

-- Grain: a way in which observations of two sources may be one play.
create table ops.match_rule (
    tier smallint not null,
    source_key smallint not null references listening.source,
    other_source_key smallint not null references listening.source,
    compared text not null check (
        compared in ('recording', 'name', 'name and milliseconds', 'milliseconds', 'artist and milliseconds', 'nothing')
    ),
    seconds smallint not null,
    silent_seconds smallint not null default 0,
    named_seconds smallint,
    is_last_resort boolean not null default false,
    primary key (tier, source_key, other_source_key)
);
comment on table ops.match_rule is
    'The numbers of the rule that decides which observations are one play. Pairs are taken tier by tier, the nearest '
    'first, one to one. A row of a source with itself says how far apart it dates one play.';
comment on column ops.match_rule.tier is 'Lower tiers first; 0 for a source with itself.';
comment on column ops.match_rule.source_key is 'The one source.';
comment on column ops.match_rule.other_source_key is 'The other source.';
comment on column ops.match_rule.compared is
    'What must be equal. "recording". "name": artist and title, and lengths that differ by at most two seconds. '
    '"name and milliseconds". "milliseconds": one of the two has no name. "artist and milliseconds". "nothing": one '
    'of the two has no name, nor has any source matched with it.';
comment on column ops.match_rule.seconds is
    'How far apart the two dates may be. A date of a source that gives the minute stands for all of it.';
comment on column ops.match_rule.silent_seconds is
    'Seconds added to the distance of a play of zero milliseconds: other sources hardly ever report one.';
comment on column ops.match_rule.named_seconds is
    'Where nothing is compared: how far apart they may be if a third source, matched with the one that has no name, '
    'gives the name of the other.';
comment on column ops.match_rule.is_last_resort is
    'Whether it is only for plays that no source with better names reports.';

-- 45 s: Spotify moved dates of the list by up to 31 s, towards what the export says. 10 s: the two exports disagreed on
-- the minute by some seconds before October 2022. 5 s and 2 s: names, or nothing, instead of an id.
insert into ops.match_rule (
    tier, source_key, other_source_key, compared, seconds, silent_seconds, named_seconds, is_last_resort
)
values
(0, 2, 2, 'recording', 45, 0, null, false),
(0, 4, 4, 'recording', 5, 0, null, false),
(1, 2, 1, 'recording', 45, 45, null, false),
(1, 2, 4, 'recording', 45, 0, null, false),
(1, 4, 1, 'recording', 45, 0, null, false),
(2, 2, 1, 'name', 5, 45, null, false),
(2, 2, 4, 'name', 5, 0, null, false),
(2, 4, 1, 'name', 5, 0, null, false),
(3, 3, 1, 'name and milliseconds', 10, 0, null, false),
(4, 3, 1, 'milliseconds', 0, 0, null, false),
(5, 3, 1, 'artist and milliseconds', 0, 0, null, false),
(6, 3, 2, 'name', 45, 0, null, true),
(6, 3, 4, 'name', 45, 0, null, true),
(7, 2, 1, 'nothing', 2, 0, 45, false),
(7, 4, 1, 'nothing', 2, 0, 45, false);

-- Flags and reasons: which sources reported a play becomes a list, so that a new source needs no column.
alter table listening.dim_play_profile add column sources text[];
update listening.dim_play_profile
set
    sources = array_remove(
        array[
            case when dim_play_profile.has_account_export then 'account_export' end,
            case when dim_play_profile.has_extended_export then 'extended_export' end,
            case when dim_play_profile.has_player then 'player' end,
            case when dim_play_profile.has_recently_played then 'recently_played' end
        ],
        null
    );
alter table listening.dim_play_profile alter column sources set not null;
comment on column listening.dim_play_profile.sources is 'Names of the sources that reported it, in alphabetical order.';

-- Grain: one thing that a source said. 56 to 76 bytes a row and 36 in its only index.
create table listening.observation (
    observed_at timestamptz not null,
    play_key bigint not null,
    started_at timestamptz,
    listener_key integer not null,
    track_key integer not null,
    ms_played integer,
    context_key integer not null,
    device_key integer not null,
    play_profile_key integer not null,
    source_key smallint not null,
    sequence smallint not null,
    primary key (listener_key, source_key, observed_at, track_key, sequence)
);
comment on table listening.observation is
    'What the sources said: one row for each different thing, however often it was said. Plays are derived from these.';
comment on column listening.observation.observed_at is 'When the play ended, as the source dates it.';
comment on column listening.observation.play_key is 'The play that this is an observation of.';
comment on column listening.observation.started_at is 'When it started; null where the source does not say.';
comment on column listening.observation.listener_key is 'Who listened.';
comment on column listening.observation.track_key is 'What was played, as the source names it; 0: it names nothing.';
comment on column listening.observation.ms_played is 'Milliseconds listened; null where the source does not say.';
comment on column listening.observation.context_key is 'From where it was played; 0: not reported.';
comment on column listening.observation.device_key is 'On what it was played; 0: not reported.';
comment on column listening.observation.play_profile_key is 'Reasons and flags, as this source gives them.';
comment on column listening.observation.source_key is 'Who says it.';
comment on column listening.observation.sequence is
    'Tells observations apart that a source dates to the same moment for the same track. Below zero: carried over from '
    'the columns of an older program, until the source itself says it again.';
create index observation_carried_over on listening.observation (listener_key) where sequence < 0;

-- The provenance of plays recorded so far becomes observations, numbered below zero: the old columns may have mixed two
-- rows of one play. Once the source says it again, its own row takes the place of such an observation.
insert into listening.dim_play_profile (
    reason_start, reason_end, is_shuffle, is_skipped, is_offline, is_private, country_code, ms_played_basis,
    has_recently_played, has_extended_export, has_account_export, has_player, sources
)
select distinct
    case when given.has_details then dim_play_profile.reason_start end,
    case when given.has_details then dim_play_profile.reason_end end,
    case when given.has_details then dim_play_profile.is_shuffle end,
    case when given.has_details then dim_play_profile.is_skipped end,
    case when given.has_details then dim_play_profile.is_offline end,
    case when given.has_details then dim_play_profile.is_private end,
    case when given.has_details then dim_play_profile.country_code end,
    given.ms_basis,
    given.source_name = 'recently_played',
    given.source_name = 'extended_export',
    given.source_name = 'account_export',
    given.source_name = 'player',
    array[given.source_name]
from listening.dim_play_profile
cross join lateral (
    select
        source.source_name,
        source.ms_basis,
        source.device_rank is not null as has_details
    from listening.source
    where source.source_name = any(dim_play_profile.sources)
) as given
on conflict do nothing;

create temporary table said_profile on commit drop as
select
    dim_play_profile.play_profile_key,
    source.source_key,
    said.play_profile_key as said_profile_key
from listening.dim_play_profile
inner join listening.source on source.source_name = any(dim_play_profile.sources)
inner join listening.dim_play_profile as said
    on
        said.sources = array[source.source_name]
        and said.ms_played_basis is not distinct from source.ms_basis
        and (
            said.reason_start, said.reason_end, said.is_shuffle, said.is_skipped, said.is_offline, said.is_private,
            said.country_code
        ) is not distinct from (
            case when source.device_rank is not null then dim_play_profile.reason_start end,
            case when source.device_rank is not null then dim_play_profile.reason_end end,
            case when source.device_rank is not null then dim_play_profile.is_shuffle end,
            case when source.device_rank is not null then dim_play_profile.is_skipped end,
            case when source.device_rank is not null then dim_play_profile.is_offline end,
            case when source.device_rank is not null then dim_play_profile.is_private end,
            case when source.device_rank is not null then dim_play_profile.country_code end
        );

analyze said_profile;

create temporary table known_statement on commit drop as
with play as (
    select
        fact_play.listener_key,
        fact_play.play_key,
        fact_play.played_at,
        fact_play.track_key,
        fact_play.context_key,
        fact_play.device_key,
        fact_play.ms_played,
        fact_play.start_offset_ms,
        fact_play.recently_played_offset_ms,
        fact_play.extended_export_last_offset_ms,
        fact_play.account_export_offset_ms,
        fact_play.recently_played_track_key,
        fact_play.extended_export_track_key,
        fact_play.account_export_track_key,
        fact_play.play_profile_key,
        fact_play.played_at
        + coalesce(fact_play.extended_export_offset_ms, 0) * interval '1 millisecond' as exported_at
    from listening.fact_play
)
select
    play.listener_key,
    play.play_key,
    source.source_key,
    said.observed_at,
    coalesce(said.track_key, play.track_key) as track_key,
    case
        when source.source_name = 'extended_export'
            then play.played_at + play.start_offset_ms * interval '1 millisecond'
    end as started_at,
    case when source.ms_rank is not null then play.ms_played end as ms_played,
    case when source.context_rank is not null then play.context_key else 0 end as context_key,
    case when source.device_rank is not null then play.device_key else 0 end as device_key,
    said_profile.said_profile_key as play_profile_key
from play
cross join lateral (
    values
    ('recently_played', play.recently_played_track_key, play.played_at),
    (
        'recently_played',
        play.recently_played_track_key,
        play.played_at + play.recently_played_offset_ms * interval '1 millisecond'
    ),
    ('extended_export', play.extended_export_track_key, play.exported_at),
    (
        'extended_export',
        play.extended_export_track_key,
        play.played_at + play.extended_export_last_offset_ms * interval '1 millisecond'
    ),
    (
        'account_export',
        play.account_export_track_key,
        coalesce(
            play.played_at + play.account_export_offset_ms * interval '1 millisecond',
            date_trunc('minute', play.exported_at)
        )
    ),
    ('player', null, play.played_at)
) as said (source_name, track_key, observed_at)
inner join listening.source on source.source_name = said.source_name
inner join said_profile
    on
        said_profile.play_profile_key = play.play_profile_key
        and said_profile.source_key = source.source_key
where said.observed_at is not null;

insert into listening.observation (
    listener_key,
    source_key,
    observed_at,
    track_key,
    sequence,
    play_key,
    started_at,
    ms_played,
    context_key,
    device_key,
    play_profile_key
)
select
    numbered.listener_key,
    numbered.source_key,
    numbered.observed_at,
    numbered.track_key,
    -numbered.place,
    numbered.play_key,
    numbered.started_at,
    numbered.ms_played,
    numbered.context_key,
    numbered.device_key,
    numbered.play_profile_key
from (
    select
        known_statement.*,
        row_number() over (
            partition by
                known_statement.listener_key,
                known_statement.source_key,
                known_statement.observed_at,
                known_statement.track_key
            order by known_statement.play_key
        ) as place
    from known_statement
) as numbered;

-- The columns that observations replace go. A view that reads them gets its new text after this file; until then it
-- keeps its columns and has no rows, so that views which people made upon it stay.
do $$
declare
    found record;
begin
    for found in
        select
            pg_class.relname,
            string_agg(
                format(
                    'null::%s as %I',
                    format_type(pg_attribute.atttypid, pg_attribute.atttypmod),
                    pg_attribute.attname
                ),
                ', ' order by pg_attribute.attnum
            ) as columns
        from pg_class
        inner join pg_attribute on pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum > 0
        where
            pg_class.relnamespace = 'listening'::regnamespace
            and pg_class.relkind = 'v'
            and pg_class.relname in ('play_source', 'play_detail', 'coverage_day')
        group by pg_class.relname
    loop
        execute format('create or replace view listening.%I as select %s where false', found.relname, found.columns);
    end loop;
end
$$;

alter table listening.dim_play_profile
    drop constraint dim_play_profile_natural_key,
    drop column has_recently_played,
    drop column has_extended_export,
    drop column has_account_export,
    drop column has_player,
    add constraint dim_play_profile_natural_key unique nulls not distinct (
        reason_start, reason_end, is_shuffle, is_skipped, is_offline, is_private, country_code,
        ms_played_basis, sources
    );

alter table listening.fact_play
    drop column recently_played_offset_ms,
    drop column extended_export_offset_ms,
    drop column extended_export_last_offset_ms,
    drop column account_export_offset_ms,
    drop column start_offset_ms,
    drop column recently_played_track_key,
    drop column extended_export_track_key,
    drop column account_export_track_key;

-- Dropped columns still cost each row some bytes. A new warehouse has no rows and no views yet, and gets a table
-- without them.
do $$
begin
    if to_regclass('listening.play_source') is null and not exists (select 1 from listening.fact_play) then
        drop table listening.fact_play;
        create table listening.fact_play (
            play_key bigint generated always as identity,
            played_at timestamptz not null,
            listener_key integer not null,
            track_key integer not null,
            date_key integer not null,
            context_key integer not null,
            device_key integer not null,
            play_profile_key integer not null,
            ms_played integer,
            time_key smallint not null,
            since_previous_ms integer,
            primary key (listener_key, played_at, play_key)
        );
    end if;
end
$$;
comment on table listening.fact_play is
    'One listen of one thing by one listener, as its observations say. brapped rebuild derives it anew.';
comment on column listening.fact_play.play_key is 'Surrogate key.';
comment on column listening.fact_play.played_at is
    'End of the play, as best known: the earliest date that the list gives it, else the recorder''s, else the extended '
    'export''s, else the minute of the account data. Where an export dates a play to its upload and knows its start: '
    'start plus milliseconds.';
comment on column listening.fact_play.listener_key is 'Who listened.';
comment on column listening.fact_play.track_key is 'What was played; 0: unknown.';
comment on column listening.fact_play.date_key is 'The listener''s local date of played_at.';
comment on column listening.fact_play.context_key is 'From where it was played; 0: not reported.';
comment on column listening.fact_play.device_key is 'On what it was played; 0: not reported.';
comment on column listening.fact_play.play_profile_key is 'Flags, reasons and sources.';
comment on column listening.fact_play.ms_played is
    'Milliseconds really listened; null when no source knows. Never an estimate.';
comment on column listening.fact_play.time_key is 'The listener''s local minute of played_at.';
comment on column listening.fact_play.since_previous_ms is
    'Milliseconds since the listener''s play before ended: an estimate lasts no longer. Of plays of unknown length '
    'that are dated less than 30 s apart, each has its share of the time before them all, the latest first. Null: '
    'nothing was played within the day before.';

-- What tracks need so that which of them are one recording follows from what is known, not from the order it came in.
alter table listening.dim_track
    add column longest_ms integer,
    add column named_at timestamptz;
comment on column listening.dim_track.longest_ms is
    'Of a track known by name alone: its longest play in milliseconds. A recording shorter than that is another one.';
comment on column listening.dim_track.named_at is
    'The latest play whose export gave the title and artist that stand here. Null: Spotify itself gave them.';
update listening.dim_track
set isrc = nullif(upper(regexp_replace(dim_track.isrc, '[\s-]', '', 'g')), '')
where dim_track.isrc <> nullif(upper(regexp_replace(dim_track.isrc, '[\s-]', '', 'g')), '');
update listening.dim_track
set longest_ms = longest.ms_played
from (
    select
        observation.track_key,
        max(observation.ms_played) as ms_played
    from listening.observation
    group by observation.track_key
) as longest
where
    dim_track.track_key = longest.track_key
    and dim_track.track_uri like 'name:%';
-- Which play gave the name is not known: the latest that an export told of, so that only a later one renames the track.
update listening.dim_track
set named_at = latest.observed_at
from (
    select
        observation.track_key,
        max(observation.observed_at) as observed_at
    from listening.observation
    inner join listening.source on source.source_key = observation.source_key
    where source.source_name in ('extended_export', 'account_export')
    group by observation.track_key
) as latest
where
    dim_track.track_key = latest.track_key
    and dim_track.track_key <> 0
    and dim_track.fetched_at is null;

alter table ops.import_file
    add column content_hash text,
    add column rules text;
create index import_file_content_hash on ops.import_file (content_hash) where content_hash is not null;
comment on column ops.import_file.content_hash is
    'SHA-256 of the file, in hexadecimal: a file that was imported before is not read again.';
comment on column ops.import_file.rules is 'Under which rules of reading it was imported.';

comment on table ops.told_apart is
    'Two dates close together that one page of the list holds both: if their tracks are one recording, they are two '
    'plays, not one play dated twice.';
comment on column ops.told_apart.track_key is 'The track of the earlier date.';

-- Over numbers in order: the first of the group that a number belongs to. A number more than `reach` above the first of
-- a group begins the next one.
create function ops.next_group_start(group_start double precision, number double precision, reach double precision)
returns double precision
language sql immutable parallel safe
as $$
select case when number <= group_start + reach then group_start else number end
$$;
comment on function ops.next_group_start is 'The step of ops.group_start.';

create aggregate ops.group_start(double precision, double precision) (
    sfunc = ops.next_group_start,
    stype = double precision
);
comment on aggregate ops.group_start(double precision, double precision) is
    'Over numbers in order (number, reach): the first of the group that a number belongs to.';

-- Over the dates of one recording in order: the play that a date belongs to, named by its first date. A date belongs to
-- the earliest play of which a date is near enough (tolerance) and none is known to be another play's (apart); else it
-- begins one. The state: the play of the latest date, then date and play of each date that may still matter.
create function ops.next_play_start(
    state timestamptz [], observed_at timestamptz, apart timestamptz [], tolerance interval
)
returns timestamptz []
language sql immutable parallel safe
as $$
with dated as (
    select
        state[2 * number] as observed_at,
        state[2 * number + 1] as play_start
    from generate_series(1, (cardinality(state) - 1) / 2) as numbers (number)
    where state[2 * number] >= $2 - 2 * tolerance
),
play as (
    select coalesce(
        (
            select min(fitting.play_start)
            from (
                select dated.play_start
                from dated
                group by dated.play_start
                having
                    max(dated.observed_at) >= $2 - tolerance
                    and not coalesce(bool_or(dated.observed_at = any(apart)), false)
            ) as fitting
        ),
        $2
    ) as play_start
)
select
    array[play.play_start]
    || coalesce(
        (
            select array_agg(pair.moment order by dated.observed_at, dated.play_start, pair.place)
            from dated
            cross join lateral (values (1, dated.observed_at), (2, dated.play_start)) as pair (place, moment)
        ),
        array[]::timestamptz []
    )
    || array[$2, play.play_start]
from play
$$;
comment on function ops.next_play_start is 'The step of ops.play_start.';

create function ops.first_moment(state timestamptz [])
returns timestamptz
language sql immutable parallel safe
return state[1];
comment on function ops.first_moment is 'The last step of ops.play_start.';

create aggregate ops.play_start(timestamptz, timestamptz [], interval) (
    sfunc = ops.next_play_start,
    stype = timestamptz [],
    finalfunc = ops.first_moment
);
comment on aggregate ops.play_start(timestamptz, timestamptz [], interval) is
    'Over the dates of one recording in order (date, dates known to be other plays, tolerance): the first date of the '
    'play that a date belongs to.';

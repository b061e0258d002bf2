-- Which imports report an observation, so that an import can be taken back. What counts is the content of a file, not
-- the receipt: the same file imported again is no second reason to keep a row.

-- Grain: the content of a file, as it was read for a listener.
create table ops.import_content (
    import_content_key integer generated always as identity primary key,
    listener_key integer not null,
    content_hash text not null,
    rules text not null,
    is_earlier boolean not null default false,
    unique (listener_key, content_hash, rules)
);
comment on table ops.import_content is 'What was imported for a listener: one row for each content of a file.';
comment on column ops.import_content.import_content_key is 'Surrogate key.';
comment on column ops.import_content.listener_key is 'Whose record it went into.';
comment on column ops.import_content.content_hash is
    'SHA-256 of the file. Of a table of an older project: "table" and its name.';
comment on column ops.import_content.rules is 'Under which rules of reading it was imported.';
comment on column ops.import_content.is_earlier is
    'Whether it stands for all imports of the listener before this table was there.';

-- Grain: a combination of contents that report one observation.
create table ops.import_set (
    import_set_key integer generated always as identity primary key,
    listener_key integer not null,
    content_keys integer[] not null unique
);
comment on table ops.import_set is 'Which contents report an observation together: a dictionary of few rows.';
comment on column ops.import_set.import_set_key is 'Surrogate key.';
comment on column ops.import_set.listener_key is 'Whose imports.';
comment on column ops.import_set.content_keys is 'The keys of ops.import_content, ascending.';

-- Grain: a span of time in which a content has music without a pause of two weeks.
create table ops.import_span (
    import_content_key integer not null,
    source text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    primary key (import_content_key, source, starts_at)
);
comment on table ops.import_span is
    'What each imported content covers. The covered spans of the exports in ops.coverage follow from these.';
comment on column ops.import_span.import_content_key is 'The content.';
comment on column ops.import_span.source is 'Which source.';
comment on column ops.import_span.starts_at is 'First play of the span.';
comment on column ops.import_span.ends_at is 'Last play of the span.';

alter table ops.import_file add column import_content_key integer;
comment on column ops.import_file.import_content_key is
    'Its content. Null: it could not be read, or was imported before contents were kept.';

alter table ops.run add column undone_at timestamptz;
comment on column ops.run.undone_at is 'When this import was taken back; null: it holds.';

-- Its four bytes fill the padding of a row that has no null.
alter table listening.observation add column import_set_key integer;
comment on column listening.observation.import_set_key is
    'Which imports report it. Null: none, or one before this column was there.';

-- Of names as of observations: a name that only imports give goes with the last of them.
alter table listening.track_alias add column content_keys integer[];
comment on column listening.track_alias.content_keys is
    'The keys of ops.import_content of the imports that give the name, ascending. Null: Spotify gives it, too, or it was '
    'there before this column.';

-- What was imported so far has one content that stands for all of it, with the spans that it covers.
insert into ops.import_content (listener_key, content_hash, rules, is_earlier)
select
    dim_listener.listener_key,
    'earlier imports',
    '',
    true
from listening.dim_listener
where
    exists (
        select 1
        from listening.source
        cross join lateral (
            select 1
            from listening.observation
            where
                observation.listener_key = dim_listener.listener_key
                and observation.source_key = source.source_key
            limit 1
        ) as reported
        where source.coverage = 'span'
    );

insert into ops.import_span (import_content_key, source, starts_at, ends_at)
select
    import_content.import_content_key,
    coverage.source,
    coverage.starts_at,
    coverage.ends_at
from ops.coverage
inner join ops.import_content on import_content.listener_key = coverage.listener_key
inner join listening.source on source.source_name = coverage.source
where
    source.coverage = 'span'
    and coverage.state = 'covered';

alter table listening.dim_listener
    add column is_renamed boolean not null default false,
    add column reported_name text;
comment on column listening.dim_listener.is_renamed is
    'Whether the person chose the display name (brapped listener rename); then a login leaves it as it is.';
comment on column listening.dim_listener.reported_name is 'Of a renamed listener: the name that Spotify tells.';
comment on column listening.dim_listener.listener_name is
    'Display name: the one that the person chose, else the one that Spotify tells. Null: neither.';

-- The web application: sessions, logins under way, invitations, keys of the API, shared links, and what a listener set.
-- Secrets that browsers and programs hold are here as hashes only.

-- Grain: a browser that is logged in.
create table ops.web_session (
    session_hash bytea primary key,
    listener_key integer not null,
    created_at timestamptz not null,
    seen_at timestamptz not null,
    ends_at timestamptz not null,
    browser_name text
);
create index web_session_listener on ops.web_session (listener_key);
comment on table ops.web_session is 'Browsers that are logged in to the web application.';
comment on column ops.web_session.session_hash is 'SHA-256 of the random id in the cookie.';
comment on column ops.web_session.listener_key is 'Who is logged in.';
comment on column ops.web_session.created_at is 'When they logged in.';
comment on column ops.web_session.seen_at is 'When the browser last asked for something, to the hour.';
comment on column ops.web_session.ends_at is 'When the session ends, unless it is used before; it can be ended earlier.';
comment on column ops.web_session.browser_name is 'Family of the browser and system, such as Firefox on Linux.';

-- A login that a browser started belongs to that browser.
alter table ops.consent
add column browser_hash bytea,
add column invitation_key integer,
add column app_key integer;
comment on column ops.consent.browser_hash is
    'SHA-256 of a random id in the browser that started the login; null: it was started by a command.';
comment on column ops.consent.invitation_key is 'The invitation that the browser came with.';
comment on column ops.consent.app_key is 'The app that the login goes through; null: the one of the settings.';

-- Grain: an invitation to register.
create table ops.invitation (
    invitation_key integer generated always as identity primary key,
    token_hash bytea not null unique,
    note text,
    created_at timestamptz not null,
    ends_at timestamptz not null,
    used_at timestamptz,
    listener_key integer
);
comment on table ops.invitation is 'Invitations to register with the web application; each works once.';
comment on column ops.invitation.invitation_key is 'Number of the invitation.';
comment on column ops.invitation.token_hash is 'SHA-256 of the random part of its address.';
comment on column ops.invitation.note is 'For whom it is, in the words of the person who made it.';
comment on column ops.invitation.created_at is 'When it was made.';
comment on column ops.invitation.ends_at is 'When it stops working.';
comment on column ops.invitation.used_at is 'When somebody registered with it; null: not yet.';
comment on column ops.invitation.listener_key is 'Who registered with it.';

-- Grain: a key to the JSON API.
create table ops.api_key (
    api_key_key integer generated always as identity primary key,
    key_hash bytea not null unique,
    listener_key integer not null,
    key_name text not null,
    is_read_only boolean not null,
    created_at timestamptz not null,
    used_at timestamptz
);
create index api_key_listener on ops.api_key (listener_key);
comment on table ops.api_key is 'Keys to the JSON API. A key opens the record of one listener.';
comment on column ops.api_key.api_key_key is 'Number of the key.';
comment on column ops.api_key.key_hash is 'SHA-256 of the key, which was shown once.';
comment on column ops.api_key.listener_key is 'Whose record it opens.';
comment on column ops.api_key.key_name is 'What it is for, in the listener''s words.';
comment on column ops.api_key.is_read_only is 'Whether it can change nothing.';
comment on column ops.api_key.created_at is 'When it was made.';
comment on column ops.api_key.used_at is 'When it was last used, to the hour; null: never.';

-- Grain: a link that shows one page to whoever has it.
create table ops.shared_link (
    shared_link_key integer generated always as identity primary key,
    token_hash bytea not null unique,
    listener_key integer not null,
    page_name text not null,
    page_parameters jsonb not null default '{}',
    created_at timestamptz not null,
    ends_at timestamptz,
    opened_count integer not null default 0
);
create index shared_link_listener on ops.shared_link (listener_key);
comment on table ops.shared_link is 'Links that show one page of a listener''s record to whoever has the link.';
comment on column ops.shared_link.shared_link_key is 'Number of the link.';
comment on column ops.shared_link.token_hash is 'SHA-256 of the random part of its address.';
comment on column ops.shared_link.listener_key is 'Whose page.';
comment on column ops.shared_link.page_name is 'Which page: wrapped, top or now.';
comment on column ops.shared_link.page_parameters is 'What the page is about, such as its year.';
comment on column ops.shared_link.created_at is 'When it was made.';
comment on column ops.shared_link.ends_at is 'When it stops working; null: when it is revoked, which deletes it.';
comment on column ops.shared_link.opened_count is 'How often it was opened.';

-- Grain: a listener who set something.
create table ops.web_setting (
    listener_key integer primary key,
    counts_as text not null default '30s' check (counts_as in ('30s', 'half', 'full', 'all')),
    is_open_to_comparison boolean not null default false
);
comment on table ops.web_setting is 'What a listener set in the web application.';
comment on column ops.web_setting.listener_key is 'Whose setting.';
comment on column ops.web_setting.counts_as is 'The minimum of a counted play: 30s, half, full or all.';
comment on column ops.web_setting.is_open_to_comparison is
    'Whether other listeners here who agree too may compare their record with this one.';

-- Grain: an app of a listener's own.
create table ops.app (
    app_key integer generated always as identity primary key,
    listener_key integer,
    client_id_encrypted text not null,
    client_secret_encrypted text not null,
    added_at timestamptz not null
);
comment on table ops.app is 'Spotify apps that listeners brought, besides the one of the settings.';
comment on column ops.app.app_key is 'Number of the app.';
comment on column ops.app.listener_key is 'Who brought it.';
comment on column ops.app.client_id_encrypted is 'Its client id, encrypted.';
comment on column ops.app.client_secret_encrypted is 'Its client secret, encrypted.';
comment on column ops.app.added_at is 'When it was brought.';

alter table ops.login add column app_key integer;
comment on column ops.login.app_key is 'The app that the login goes through; null: the one of the settings.';

-- Grain: a decision about recordings that a listener made in the web application.
create table ops.web_decision (
    decision_key integer primary key,
    listener_key integer not null
);
comment on table ops.web_decision is
    'Who made a decision about recordings in the web application. Those of a command are of nobody.';
comment on column ops.web_decision.decision_key is 'Number of the decision, as listening.recording_decision has it.';
comment on column ops.web_decision.listener_key is 'Who decided, and may take it back.';

-- Albums by name: all editions of one, and what a search looks for, by trigrams as in 007.
create index dim_album_name on listening.dim_album using hash (album_name);
create index dim_album_folded_name on listening.dim_album using gin (ops.folded(album_name) gin_trgm_ops);

-- Views that people made and that read columns which schema/012 takes away. Its own views get a new text.
select distinct
    pg_namespace.nspname || '.' || pg_class.relname as view_name,
    pg_attribute.attrelid::regclass::text || '.' || pg_attribute.attname as column_name
from pg_depend
inner join pg_rewrite on pg_rewrite.oid = pg_depend.objid
inner join pg_class on pg_class.oid = pg_rewrite.ev_class
inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
inner join pg_attribute
    on
        pg_attribute.attrelid = pg_depend.refobjid
        and pg_attribute.attnum = pg_depend.refobjsubid
where
    pg_depend.classid = 'pg_rewrite'::regclass
    and pg_depend.refclassid = 'pg_class'::regclass
    and pg_depend.refobjid in (to_regclass('listening.fact_play'), to_regclass('listening.dim_play_profile'))
    and pg_attribute.attname in (
        'recently_played_offset_ms', 'extended_export_offset_ms', 'extended_export_last_offset_ms',
        'account_export_offset_ms', 'start_offset_ms', 'recently_played_track_key', 'extended_export_track_key',
        'account_export_track_key', 'has_recently_played', 'has_extended_export', 'has_account_export', 'has_player'
    )
    and not (
        pg_namespace.nspname = 'listening'
        and pg_class.relname in ('play_source', 'play_detail', 'coverage_day')
    )
order by 1, 2

-- Names by their trigrams, as a search compares them: without case, width and accents. A slip is then found among few names, not among all.

create index dim_track_folded_name on listening.dim_track using gin (ops.folded(track_name) gin_trgm_ops);
create index dim_artist_folded_name on listening.dim_artist using gin (ops.folded(artist_name) gin_trgm_ops);
create index dim_track_of_collection on listening.dim_track (album_key) where content_type in ('episode', 'chapter', 'local');

create function ops.search_words(told text) returns table (word text, pattern text, is_looked_up boolean)
language sql immutable strict parallel safe
begin atomic
    select
        words.word,
        '%' || regexp_replace(words.word, '([\\%_])', '\\\1', 'g') || '%',
        row_number() over (order by length(words.word) desc, words.word) <= 3
    from regexp_split_to_table(ops.folded(told), '\s+') as words (word)
    where words.word <> '';
end;
comment on function ops.search_words is 'The words of what somebody searches for, folded, each as a pattern for like. Names are looked up by the three longest, and compared with all.';

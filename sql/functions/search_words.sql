-- The words of a search, for readers without access to ops.

create or replace function listening.search_words(told text)
returns table (word text, pattern text, is_looked_up boolean)
language sql immutable strict parallel safe
begin atomic
    select
        search_words.word,
        search_words.pattern,
        search_words.is_looked_up
    from ops.search_words(told) as search_words;
end;

comment on function listening.search_words is
    'The words of what somebody searches for, each as a pattern for like; names are looked up by the longest.';

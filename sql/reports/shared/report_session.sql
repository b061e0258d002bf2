-- What a report may use, until the end of the transaction. Compiling its queries would take longer than running them.
set local jit = off;
set local work_mem = '32MB';
set local pg_trgm.word_similarity_threshold = 0.3 -- from here on a word is looked at; a whole name has to be more alike

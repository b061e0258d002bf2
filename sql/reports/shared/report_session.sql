-- Settings for the transaction of a report. Compiling its queries would take longer than running them.
set local jit = off;
set local work_mem = '32MB';
set local pg_trgm.word_similarity_threshold = 0.3 -- candidates; a whole name must be more similar

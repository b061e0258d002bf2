-- What a report may use, until the end of the transaction. Compiling its queries would take longer than running them.
set local jit = off;
set local work_mem = '32MB'

"""The jobs, one file each, and what every run of a job has in common."""

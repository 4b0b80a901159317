//! What is remembered over a restart: orders and their jobs, counters, written tags, the job that runs.

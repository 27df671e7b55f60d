"""From a root folder to a checked sample table, and protocols without leaks."""

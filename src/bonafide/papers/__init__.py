"""The papers' published tables as data, and the runs that measure ours beside them."""

"""From scores to an accepted or rejected presentation."""

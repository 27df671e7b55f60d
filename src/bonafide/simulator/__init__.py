"""A world of its own: simulated captures of live people and of attacks, openly labelled."""

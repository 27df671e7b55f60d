"""Find the face, measure it, align it and cut it out at several scales."""

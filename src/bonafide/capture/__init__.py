"""Bytes to pixels with provenance: photos, clips, cameras, and the limits on them."""

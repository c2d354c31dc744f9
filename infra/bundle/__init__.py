"""Bundles on disk: written so that a crash leaves none by halves, read so that a hostile one does no harm."""

"""Collecting a site's inventory, and comparing two. Empty yet: see docs/requirements.md."""

"""Recorded detections, and the search for a tracker's settings on them: ``mot tune``."""

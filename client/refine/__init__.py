"""Offline refinement of a tracker's result: link, drop short tracks, fill gaps, smooth."""

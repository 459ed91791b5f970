"""A video's way from frames to tracks."""

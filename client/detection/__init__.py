"""Who finds people in a frame: networks, or a file."""

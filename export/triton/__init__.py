"""What Triton needs beside the graph: its configurations, and the python backend's program."""

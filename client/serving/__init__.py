"""Where the network runs, and the embedded Triton server."""

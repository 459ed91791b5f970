"""MOTChallenge's benchmarks: all sequences of a split tracked side by side, and the zip that the server takes."""

"""The upload page: videos in from a browser, a queue of jobs that outlives everything, results to look at."""

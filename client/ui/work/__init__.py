"""Who does the jobs: worker processes, and the look at what was uploaded."""

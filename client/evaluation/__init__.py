"""What ``mot eval`` is made of: files to score, their rows, mistakes by frame, comparison, plots and report."""

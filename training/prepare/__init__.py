"""Published data sets become training data, and what is prepared is checked."""

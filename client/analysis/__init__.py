"""What a result says of people: counts at lines, visits to zones, where they were and how long; from its rows alone."""

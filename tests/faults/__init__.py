"""What is lost when something breaks: nothing. See README.md for what is broken here, and the long form."""

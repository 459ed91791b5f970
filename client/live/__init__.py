"""Many cameras in one process: live streams tracked side by side, and what happens before them told as it happens."""

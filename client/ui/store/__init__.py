"""What the page keeps on disk: uploads, jobs, people; SQLite for the facts, folders for the files."""

"""What is on disk: the schema of the event files, their writer and their reader."""

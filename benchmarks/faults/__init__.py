"""What the service does when something goes wrong: each fault is caused, and its outcome counted."""

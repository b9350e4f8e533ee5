"""What the program learns before it registers anything: which cluster, what is there, and what this stack has made."""

"""What the public reports: taken in without its reporters' names, weighed, and proposed in steps."""

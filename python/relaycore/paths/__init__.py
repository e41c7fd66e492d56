"""What a path does besides carrying what is published to it: sources, renditions, forwarding and hooks."""

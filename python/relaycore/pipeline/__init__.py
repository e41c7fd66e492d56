"""The threads that carry a camera's pictures and sound from its source to its stream."""

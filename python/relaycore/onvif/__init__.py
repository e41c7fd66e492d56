"""The relay as a camera of ONVIF, and what belongs to that."""

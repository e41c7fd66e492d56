"""The media service (ONVIF Media Service Specification): what every client knows of streams.

All values are those of the encoders that run.
"""

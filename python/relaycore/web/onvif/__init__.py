"""The addresses of ONVIF's web services."""

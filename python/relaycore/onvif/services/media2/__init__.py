"""The Media2 service (ONVIF Media2 Service Specification): what newer clients ask for streams, H.265 too.

All values are those of the encoders that run.
"""

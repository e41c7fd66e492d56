"""What differs between operating systems, and is no device: all of it is in this folder.

Cameras and microphones of each system are in ``relaycore.capture``, in modules named after FFmpeg's inputs.
"""

"""Pan, tilt and zoom of ONVIF over what relaycore cuts out of the scene."""

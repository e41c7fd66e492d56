"""Imaging of ONVIF over the controls of the cameras themselves."""

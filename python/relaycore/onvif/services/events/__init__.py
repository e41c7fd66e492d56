"""Events of ONVIF: who subscribed to what, and what they are told."""

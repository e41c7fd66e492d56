"""Asks web services of ONVIF for the rules about them."""

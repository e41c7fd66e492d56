"""SOAP as ONVIF has it: envelopes read leniently, answers by the WSDL, faults, who may ask for what.

ONVIF Core Specification sections 5.6 to 5.9; SOAP 1.2 (W3C, second edition).
"""

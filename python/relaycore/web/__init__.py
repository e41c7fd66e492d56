"""The HTTP side of the one port: the control API, metrics, and a page that says where what is."""

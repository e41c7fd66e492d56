"""The Windows build under Wine, with a made-up DirectShow camera: `make windows`."""

"""Where pictures and sound come from: cameras, microphones, files, graphs and the test pattern."""

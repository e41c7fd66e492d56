"""Makes a webcam an IP camera, and relays live video between programs."""

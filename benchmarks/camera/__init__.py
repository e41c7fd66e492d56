"""The camera by itself: latency, processor time and memory of the program that serves one."""

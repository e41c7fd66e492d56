"""From decoded pictures and sound to access units: H.264 and AAC, through FFmpeg."""

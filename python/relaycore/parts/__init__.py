"""What a relay is made of: each part owns what it knows, and is given what it needs of the others."""

"""What the two services of media have in common: Media and Media2 tell the same of the same cameras."""

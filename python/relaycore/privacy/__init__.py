"""What is on record of the processing of personal data, for those who are seen and who account for it."""

"""Readers: rows of a data set from JSON lines, CSV, or Hugging Face."""

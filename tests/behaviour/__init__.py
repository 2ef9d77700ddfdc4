"""What users see, on every engine: one file for each area."""

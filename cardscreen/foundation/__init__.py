"""What everything stands on: errors, schemas, settings, files, secrets, look-ups. It knows nothing of screening."""

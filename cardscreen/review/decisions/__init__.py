"""What persons decide about runs and stores, on record: held runs, retention, upgrades."""

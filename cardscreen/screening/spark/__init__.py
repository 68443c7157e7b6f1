"""The same pass where the accounts lie in Spark."""

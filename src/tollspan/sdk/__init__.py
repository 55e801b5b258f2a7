"""The SDK: runs in the user's process, never raises into it, never blocks it, counts every loss."""

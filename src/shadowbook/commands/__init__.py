"""The commands: one function a verb; whatever is heavy is imported inside."""

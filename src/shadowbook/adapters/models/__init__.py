"""Runs and the model registry (MLflow)."""

"""Prefect flows: when, how often, how many retries; no logic."""

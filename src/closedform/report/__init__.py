"""Recorded results as text, JSON, Markdown and HTML; computes nothing."""

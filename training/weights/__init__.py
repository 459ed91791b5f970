"""Initial weights: published files and earlier checkpoints, read safely, renamed, compared, copied."""

"""Training: model, data, losses, the loop, and the `mot-train` command."""

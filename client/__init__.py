"""The tracking client: detectors, tracker, video in and out, and the `mot` command."""

"""Results on disk: rows, video, embeddings."""

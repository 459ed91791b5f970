"""Many videos: found, dealt out to processes or to a cluster, tried again, and summed up."""

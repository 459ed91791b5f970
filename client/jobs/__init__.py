"""One video's job from input to results on disk, and many of them side by side."""

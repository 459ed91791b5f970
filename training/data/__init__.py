"""Data sets: labels, targets, augmentation, conversion."""

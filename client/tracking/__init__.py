"""Following people from frame to frame: motion, appearance, association."""

from client.tracking.fairmot import FairMotTracker, TrackerConfig
from client.tracking.tracker import Tracker, TrackerError

__all__ = ["FairMotTracker", "Tracker", "TrackerConfig", "TrackerError"]

"""Following people from frame to frame: motion, embeddings, association."""

from client.tracking.botsort import BotSortConfig, BotSortTracker
from client.tracking.byte import ByteConfig, ByteTracker
from client.tracking.catalog import TRACKERS, tracker_config
from client.tracking.config import TrackerConfig
from client.tracking.fairmot import FairMotByteConfig, FairMotConfig, FairMotTracker
from client.tracking.ocsort import OcSortConfig, OcSortTracker
from client.tracking.overlap_reid import OverlapReidConfig, OverlapReidTracker
from client.tracking.preset import Preset
from client.tracking.records import State
from client.tracking.setting import Setting, settings_of
from client.tracking.tracker import Tracker, TrackerError

__all__ = [
    "TRACKERS",
    "BotSortConfig",
    "BotSortTracker",
    "ByteConfig",
    "ByteTracker",
    "FairMotByteConfig",
    "FairMotConfig",
    "FairMotTracker",
    "OcSortConfig",
    "OcSortTracker",
    "OverlapReidConfig",
    "OverlapReidTracker",
    "Preset",
    "Setting",
    "State",
    "Tracker",
    "TrackerConfig",
    "TrackerError",
    "settings_of",
    "tracker_config",
]

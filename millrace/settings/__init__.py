"""Settings of a deployment: one file, environment variables over it, frozen and typed."""

from millrace.settings.groups import (
    AlarmSettings,
    ArchiveSettings,
    KafkaSettings,
    ModelsSettings,
    ScoreSettings,
    ServingSettings,
    Settings,
    StackSettings,
)
from millrace.settings.known import Known, known_settings
from millrace.settings.loading import load

__all__ = [
    "AlarmSettings",
    "ArchiveSettings",
    "KafkaSettings",
    "Known",
    "ModelsSettings",
    "ScoreSettings",
    "ServingSettings",
    "Settings",
    "StackSettings",
    "known_settings",
    "load",
]

"""Offline: records to a data set, to a model, to a published version. Needs no Flink."""

"""The gate: whether a candidate may follow the champion."""

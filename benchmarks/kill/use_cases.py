"""The fraud use case twice, under names that give each run topics and state of its own."""

from dataclasses import replace

from udfs.use_cases.fraud import FRAUD

UNDISTURBED = replace(FRAUD, name="undisturbed")
KILLED = replace(FRAUD, name="killed")

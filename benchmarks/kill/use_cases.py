"""The fraud use case twice, under names that give each run topics and state of its own."""

from dataclasses import replace

from udfs.use_cases.fraud import FRAUD_BY_CUSTOMER

UNDISTURBED = replace(FRAUD_BY_CUSTOMER, name="undisturbed")
KILLED = replace(FRAUD_BY_CUSTOMER, name="killed")

"""Use cases under other names, so that tests of commands have topics of their own."""

from dataclasses import replace
from datetime import timedelta

from udfs.use_cases.contract import Duplicates
from udfs.use_cases.fraud import FRAUD, FRAUD_BY_CUSTOMER
from udfs.use_cases.maintenance import MAINTENANCE
from udfs.use_cases.recommendation import recommendation

LOCAL = replace(FRAUD, name="local")
ONCE = replace(FRAUD, name="once")
NOWHERE = replace(FRAUD, name="nowhere")
"""Its topics are never made."""
ARCHIVED = replace(FRAUD, name="archived")
ARCHIVE_KILLED = replace(FRAUD, name="archive-killed")
DEAD = replace(FRAUD, name="dead")
INGESTED = replace(FRAUD, name="ingested")
FOLLOWED = replace(FRAUD, name="followed")
FENCED = replace(FRAUD, name="fenced")
POSTED = replace(FRAUD, name="posted")
FLAGGING = replace(FRAUD, name="flagging")
DROPPING = replace(
    FRAUD_BY_CUSTOMER, name="dropping", duplicates=Duplicates("drop", timedelta(days=1))
)
CARDS = replace(FRAUD, name="cards")
FLEET = replace(MAINTENANCE, name="fleet")
SHOP = recommendation("shop")
"""These three run side by side."""
BOOT_CLUSTER = replace(FRAUD, name="boot-cluster")
BOOT_AFTER = replace(FRAUD, name="boot-after")
BOOT_REVISED = replace(BOOT_AFTER, spec=replace(FRAUD.spec, revision=FRAUD.spec.revision + 1))
"""The same topics and other features, as far as a deployment can tell."""

"""The names of every metric that the functions report to Flink.

The join of labels is in the JVM (`LabelJoinFunction.java`) and reports `label_changes`,
`labels_again`, `business_ids_again`, `labels_silent`, and its part of `label_dead_letters`.

All stand under the group `use_case`, which Prometheus shows as a label. Counters that a coroutine
updates never reach Flink (Beam keeps them by thread), so what the client counts is shown as
gauges: their numbers grow as a counter's do, from 0 at each start of a worker, and Prometheus'
`rate()` works on them.
"""

from typing import Final

# Features stage; counters.
RECORDS: Final = "records"
"""Raw records that came in: the sum of predictions and dead letters."""
DEAD_LETTERS: Final = "dead_letters"
"""Records that the clean stage refused."""
LATE_RECORDS: Final = "late_records"
"""Records behind the newest event time of their partition by more than the lateness."""
DUPLICATES: Final = "duplicates"
"""Records whose business id was there before, where the use case says what becomes of them."""
OUT_OF_ORDER_RECORDS: Final = "out_of_order_records"
"""Records behind the newest event time of their partition at all; also in the second stage."""

# Labels stage; counters.
LABELS: Final = "labels"
"""Labels that came in."""
LABEL_CHANGES: Final = "label_changes"
"""Labels that changed what was known of a record, and went on to its second entity key."""
LABELS_AGAIN: Final = "labels_again"
"""Labels of records that had one already."""
LABEL_DEAD_LETTERS: Final = "label_dead_letters"
"""Labels that cannot be used, or whose record did not come within the horizon."""
BUSINESS_IDS_AGAIN: Final = "business_ids_again"
"""Records whose business id was known already: labels go to the first of them."""
LABELS_SILENT: Final = "labels_silent"
"""Records that passed the horizon without a label; in a group `means` for what that means."""

# Second features stage; counters.
LABEL_CHANGES_FOLDED: Final = "label_changes_folded"
"""Changes of labels that the folds over the second entity key took."""

# Predictions stage; gauges, of one worker each.
CALLS: Final = "model_calls"
"""Calls to the model server that were asked for."""
ATTEMPTS: Final = "model_call_attempts"
"""Calls that were sent: fewer than asked for while a breaker is open, more by the retries."""
RETRIES: Final = "model_call_retries"
"""Attempts after the first of a call; at most a fifth of the calls."""
FAILURES: Final = "model_call_failures"
"""Calls without a usable answer; in a group `reason` for each reason."""
IN_FLIGHT: Final = "model_calls_in_flight"
"""Calls that have not ended."""
MOST_IN_FLIGHT: Final = "model_calls_in_flight_max"
"""The largest number of calls in flight since the worker started."""
LATENCY_BUCKET: Final = "model_call_latency_bucket"
"""Ended calls that took at most so long; in a group `le` for each bound in milliseconds."""
LATENCY_SUM_US: Final = "model_call_latency_sum_us"
"""Microseconds of all ended calls together, waits between attempts included."""
LONGEST_US: Final = "model_call_latency_max_us"
"""Microseconds of the longest call since the worker started."""
BREAKER_STATE: Final = "model_breaker_state"
"""0 closed, 1 half-open, 2 open; in a group `endpoint` for each address."""
ENDPOINT_ATTEMPTS: Final = "model_endpoint_attempts"
"""Calls that were sent to an endpoint; in a group `endpoint` for each address."""
ROWS_LIMIT: Final = "model_call_rows_limit"
"""Most rows a call as `serving.adaptive` found them."""
CALLS_LIMIT: Final = "model_calls_in_flight_limit"
"""Most calls in flight as `serving.adaptive` found them."""
RULE_ROWS: Final = "rule_rows"
"""Rows that the use case's rule answered."""
REFUSED_ROWS: Final = "refused_rows"
"""Rows that neither model nor rule answered: dead letters with the reason `no_answer`."""

"""Resolves settings and command line to the options of the job `alarms`."""

from jobs.alarms import AlarmOptions
from jobs.options import LATEST, restored_from, target_of, uri_of
from millrace.kafka.cluster import java_properties
from millrace.settings import Settings
from udfs.errors import ConfigurationError
from udfs.use_cases.find import find_use_case


def alarm_options(
    settings: Settings, use_case: str, *, bounded: bool = False, restore: str = LATEST
) -> AlarmOptions:
    """Options of the job `alarms` for a deployment.

    Args:
        settings: of the deployment.
        use_case: installed name or `module:attribute`.
        bounded: end at the newest offsets of the start.
        restore: `latest`, `none`, or the path of a checkpoint or savepoint.

    Raises:
        ConfigurationError: the use case predicts no number of that name, a threshold makes no
            sense, or the path holds no checkpoint.
        UseCaseError: the use case is unknown.
    """
    found = find_use_case(use_case)
    alarms, score = settings.alarms, settings.score
    numbers = [o.field for o in found.model.outputs if o.dtype == "float32" and o.width is None]
    if alarms.value not in numbers:
        raise ConfigurationError(
            f"alarms.value is {alarms.value!r}; predictions of {found.name} have the numbers: "
            f"{', '.join(numbers) or 'none'}"
        )
    suffix = "-once" if bounded else ""
    deployment = f"{score.transactional_id_prefix}-{found.name}-alarms{suffix}"
    checkpoints = f"{uri_of(settings.checkpoints)}/{deployment}"
    restored = restored_from(restore, checkpoints)
    return AlarmOptions(
        name=found.name,
        value=alarms.value,
        on_below=alarms.on_below,
        off_above=alarms.off_above,
        bootstrap_servers=settings.kafka.bootstrap_servers,
        checkpoint_dir=checkpoints,
        deployment=deployment,
        target=target_of(score),
        parallelism=alarms.parallelism,
        exactly_once=score.guarantee == "exactly-once",
        bounded=bounded,
        transaction_timeout_ms=score.transaction_timeout_ms,
        state_backend=score.state_backend,
        kafka_properties=java_properties(settings.kafka),
        flink={"execution.state-recovery.path": restored} if restored else {},
    )

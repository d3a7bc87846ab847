"""`millrace run score --cluster` on a standalone cluster: one job, then three side by side."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from millrace.stack.flink import FlinkCluster
from millrace.stack.ports import free_ports
from tests.integration.commands import Env, environment, millrace
from tests.integration.scoring import Kafka, transactions, wait_until
from tests.integration.scraped import REPORTER
from tests.integration.side_by_side import Ground, Outcome, SideBySide
from tests.integration.test_labels import expected, labels
from tests.unit.model_server import saved_models
from tests.unit.model_server.running_server import running
from udfs.records import Reason

BOOT = "tests.integration.named:BOOT_CLUSTER"
BOOT_SETTINGS = {
    "MILLRACE_SCORE__PARALLELISM": "2",
    "MILLRACE_SCORE__FEATURES_TOPIC": "true",
    "MILLRACE_SCORE__CHECKPOINT_INTERVAL_MS": "100",
    "MILLRACE_ARCHIVE__CHECKPOINT_INTERVAL_MS": "500",
}
PAST, LIVE = 60_000, 160
"""Records a minute apart: windows of 30 days, and enough for a checkpoint in the middle."""
BY_ITS_MODEL = {("stable", 3)}
OTHER_REASONS = {Reason.NO_ANSWER, Reason.LABEL_UNMATCHED, Reason.DUPLICATE}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, bootstrap_servers: str) -> Iterator[Ground]:
    config = _models(tmp_path_factory.mktemp("models"))
    ports = free_ports(0, 0, 0)
    options = {
        # A job of parallelism 2 runs in both TaskManagers, not in the first with two free slots.
        "taskmanager.load-balance.mode": "SLOTS",
        "metrics.reporter.prom.factory.class": REPORTER,
        "metrics.reporter.prom.port": ",".join(map(str, ports)),
    }
    state = tmp_path_factory.mktemp("flink")
    with (
        FlinkCluster(state, task_managers=2, slots=2, options=options) as flink,
        running(config.with_suffix(".log"), f"--model_config_file={config}") as server,
    ):
        settings = {"serving__target": server.target, "serving__deadline_ms": "20000"}
        env = environment(bootstrap_servers, **settings)
        yield Ground(flink, ports, env, bootstrap_servers)


def test_a_cluster_of_two_task_managers_scores_every_record_by_the_model(
    ground: Ground, tmp_path: Path
) -> None:
    env = {**ground.env, "MILLRACE_SCORE__PARALLELISM": "2"}
    millrace(tmp_path, env, "topics", "apply", "fraud")
    millrace(tmp_path, env, "produce", "fraud", "--count", "20000", "--malformed", "0.01")
    on_cluster = ("--once", "--cluster", ground.flink.rest_address)
    done = millrace(tmp_path, env, "run", "score", "--use-case", "fraud", *on_cluster)
    found = ground.outcomes("fraud")
    places = {(row.source_partition, row.source_offset) for row in found}
    assert (len(found), len(places)) == (20_000, 20_000)
    assert {(row.route, row.model_version) for row in found if row.route} == BY_ITS_MODEL
    assert {row.reason for row in found if row.reason} == {*Reason} - OTHER_REASONS
    assert len(_hosts(ground.flink, done.stdout.strip())) == 2
    _audit(found, tmp_path, env)


def test_windows_are_filled_from_the_archive_over_kill_9_before_it_scores(
    ground: Ground, tmp_path: Path
) -> None:
    env = {**ground.env, **BOOT_SETTINGS}
    kafka = Kafka(ground.bootstrap_servers, "boot-cluster")
    records = transactions(PAST + LIVE, step_ms=60_000)
    past, live = records[:PAST], records[PAST:]
    millrace(tmp_path, env, "topics", "apply", BOOT)
    kafka.send(past)
    kafka.send_raw([(b"x", b"no record", past[0].event_time_ms)])
    kafka.send_labels(labels(past))
    millrace(tmp_path, env, "run", "archive", "--use-case", BOOT, "--once")
    kafka.send(live)
    run = ("run", "score", "--use-case", BOOT, "--bootstrap", ".millrace/archive", "--once")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(millrace, tmp_path, env, *run, "--cluster", ground.flink.rest_address)
        filling = _kill_while_it_fills(ground.flink, tmp_path)
        done = running.result()
    assert f"boot-cluster.raw: {PAST + 1:,} archived records, then Kafka from" in done.stderr
    assert ground.flink.get(f"/jobs/{filling}/checkpoints")["counts"]["restored"] >= 1
    # The one job whose id is on standard output has scored what came behind the archive, and
    # nothing of the past is written, not even of what is malformed.
    assert len(done.stdout.splitlines()) == 1
    whole = expected(records)
    rows = [(int(row.business_id), row.features) for row in kafka.features()]
    assert sorted(rows) == [(r.transaction_id, whole[r.transaction_id]) for r in live]
    assert len(kafka.predictions()) == LIVE
    assert not (kafka.dead_letters() or kafka.label_changes())
    ground.flink.wait_for_slots(4)


def test_use_cases_side_by_side_do_not_touch_each_other(ground: Ground, tmp_path: Path) -> None:
    side = SideBySide(ground, tmp_path)
    jobs = side.begin(3_000)
    side.wait_for_outcomes(jobs, 3_000)
    assert {name: side.routes(name) for name in jobs} == {name: BY_ITS_MODEL for name in jobs}
    assert side.groups() == {
        "millrace-cards": {"cards.raw", "cards.labels"},
        "millrace-fleet": {"fleet.raw"},
        "millrace-shop": {"shop.raw"},
    }
    assert side.transactional_id_prefixes() == {f"millrace-{name}/score" for name in jobs}
    assert side.checkpoints() == {f"millrace-{name}": {job} for name, job in jobs.items()}
    side.wait_for_metrics(dict.fromkeys(jobs, 3_000))
    assert "score cards (millrace-cards) is on" in side.refusal("cards")

    side.cancel(jobs["fleet"])
    side.send(3_000, seed=2)
    side.wait_for_outcomes(("cards", "shop"), 6_000)
    assert len(side.places("fleet")) == 3_000
    # A job that had restarted would count from 0 again.
    side.wait_for_metrics({"cards": 6_000, "shop": 6_000})

    side.submit("fleet")
    side.wait_for_outcomes(jobs, 6_000)


def _audit(found: Sequence[Outcome], folder: Path, env: Env) -> None:
    """Calls the audit over everything that was scored, and over a part of it."""
    part = {0: range(100, 6_000), 1: range(200, 5_000)}
    inside = [row for row in found if row.source_offset in part[row.source_partition]]
    for given, rows in (((), found), (("--from", "0:100,1:200", "--to", "0:6000,1:5000"), inside)):
        told = json.loads(millrace(folder, env, "audit", "fraud", *given, "--json").stdout)
        refused = sum(bool(row.reason) for row in rows)
        assert (told["closes"], told["inputs"]) == (True, len(rows))
        assert told["outcomes"] == {
            "predictions": len(rows) - refused,
            "dead-letters": refused,
            "duplicates": 0,
        }
    assert len(inside) == 5_900 + 4_800


def _models(folder: Path) -> Path:
    """A configuration of the model server with a model for each use case."""
    made = {
        "fraud": saved_models.fraud(),
        "maintenance": saved_models.number(),
        "shop": saved_models.ranking(),
    }
    for name, source in made.items():
        saved_models.publish(source, folder / name, "3")
    entries = (
        f'config {{ name: "{n}" base_path: "{folder / n}" model_platform: "tensorflow" }}'
        for n in made
    )
    file = folder / "models.config"
    file.write_text(f"model_config_list {{ {' '.join(entries)} }}")
    return file


def _hosts(cluster: FlinkCluster, job: str) -> set[str]:
    """The TaskManagers that ran a job's Python function."""
    vertices = cluster.get(f"/jobs/{job}")["vertices"]
    found = next(v["id"] for v in vertices if "features" in v["name"])
    return {t["taskmanager-id"] for t in cluster.get(f"/jobs/{job}/vertices/{found}")["subtasks"]}


def _kill_while_it_fills(cluster: FlinkCluster, folder: Path) -> str:
    """Kills a TaskManager once a checkpoint holds a part of the history; the job's id."""
    wait_until(lambda: _filling(cluster) is not None, "a checkpoint of the job that fills", 150)
    job = _filling(cluster)
    assert job is not None
    cluster.task_managers[-1].kill()
    assert not list(folder.glob(".millrace/checkpoints/**/filled")), "it was filled already"
    cluster.start_task_manager()
    return job


def _filling(cluster: FlinkCluster) -> str | None:
    """The running job of the bootstrap, once it has a complete checkpoint."""
    for job in cluster.get("/jobs/overview")["jobs"]:
        if "boot-cluster" in job["name"] and job["state"] == "RUNNING":
            if cluster.get(f"/jobs/{job['jid']}/checkpoints")["counts"]["completed"]:
                return str(job["jid"])
    return None

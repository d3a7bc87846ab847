"""The examples for Kafka Connect write what the job reads; `make connect-test` runs one."""

import re
from pathlib import Path

import msgspec
import pytest

from udfs.use_cases.fraud import FRAUD

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy" / "connect"
EXAMPLES = sorted(FOLDER.glob("*.json"))
_TRANSFORMS = {
    "io.debezium.transforms.ExtractNewRecordState",
    "org.apache.kafka.connect.transforms.ValueToKey",
    "org.apache.kafka.connect.transforms.ExtractField$Key",
    "org.apache.kafka.connect.transforms.RegexRouter",
}


class Example(msgspec.Struct, forbid_unknown_fields=True):
    """What Connect's REST API takes: a name, and properties that are all texts."""

    name: str
    config: dict[str, str]


def example(path: Path) -> Example:
    """An example, decoded."""
    return msgspec.json.decode(path.read_bytes(), type=Example)


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.name)
def properties(request: pytest.FixtureRequest) -> dict[str, str]:
    return example(request.param).config


def test_there_is_one_for_changes_and_one_for_queries() -> None:
    assert [path.name for path in EXAMPLES] == ["debezium-postgres.json", "jdbc.json"]
    names = [example(path).name for path in EXAMPLES]
    assert len(set(names)) == len(names)


def test_every_transform_is_declared_and_known(properties: dict[str, str]) -> None:
    listed = properties["transforms"].split(",")
    declared = {name.split(".")[1] for name in properties if name.startswith("transforms.")}
    types = {properties[f"transforms.{name}.type"] for name in listed}
    assert (set(listed), types - _TRANSFORMS) == (declared, set())


def test_records_go_to_raw_as_json_keyed_by_the_text_of_the_entity_key(
    properties: dict[str, str],
) -> None:
    target = properties.get("transforms.topic.replacement", properties["topic.prefix"])
    key = FRAUD.entity_key
    assert {name: properties[name] for name in properties if "converter" in name} == {
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    }
    assert (target, properties["transforms.key.fields"]) == (f"{FRAUD.name}.raw", key)
    assert properties["transforms.text.field"] == key


def test_the_columns_are_the_fields_of_the_record() -> None:
    fields = [field.name for field in msgspec.structs.fields(FRAUD.record_type)]
    changes, queries = (example(path).config for path in EXAMPLES)
    table, _, columns = changes["column.include.list"].rpartition(".")
    assert (table, columns.strip("()").split("|")) == (changes["table.include.list"], fields)
    selected = re.search(r"\(SELECT (.*?) FROM", queries["query"])
    assert selected is not None
    assert selected[1].split(", ") == fields


def test_rows_of_the_table_reach_the_route_to_raw() -> None:
    changes = example(EXAMPLES[0]).config
    topic = f"{changes['topic.prefix']}.{changes['table.include.list']}"
    assert re.fullmatch(changes["transforms.topic.regex"], topic)


def test_they_are_run_on_a_worker_of_the_brokers_version() -> None:
    poms = [ROOT / "deploy" / "kafka" / "pom.xml", ROOT / "benchmarks" / "connect" / "pom.xml"]
    versions = [re.findall(r"<kafka.version>(.*)</kafka.version>", p.read_text()) for p in poms]
    assert versions[0] == versions[1] != []

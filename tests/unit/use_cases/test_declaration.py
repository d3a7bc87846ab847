"""A use case that cannot work is refused in a sentence that names the field."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import pytest

from udfs.errors import UseCaseError
from udfs.features.spec import FeatureSpec
from udfs.features.windows import WindowedAggregate
from udfs.use_cases.contract import ModelSignature, Output, UseCase
from udfs.use_cases.fraud import CUSTOMER, FRAUD, SPEC
from udfs.use_cases.trial import try_out

Made = Callable[[], object]


class Loose(msgspec.Struct):
    """A record that could be changed."""

    transaction_id: int


def fraud(**changes: Any) -> Made:
    return lambda: replace(FRAUD, **changes)


def outputs(*found: Output) -> Made:
    return lambda: ModelSignature("m", outputs=found)


def windows(lengths: Any) -> Made:
    return lambda: WindowedAggregate("card", "id", "cents", lengths)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (fraud(name="Fraud"), "a use case cannot be called 'Fraud': topics are named after it"),
        (fraud(name="2nd"), "a use case cannot be called '2nd'"),
        (fraud(name=None), "a use case cannot be called None"),
        (fraud(record_type=Loose), "it is a msgspec.Struct with frozen=True"),
        (fraud(record_type=dict), "record_type of use case 'fraud' is <class 'dict'>"),
        (fraud(business_id=None), "business_id of use case 'fraud' is None; it is the name of a"),
        (fraud(entity_key="customer"), "no field 'customer': did you mean 'customer_id'?"),
        (fraud(columns=("x",)), "no field 'x': its fields are transaction_id, customer_id"),
        (fraud(columns="amount_cents"), "it is a tuple of names of fields"),
        (fraud(spec=("amount",)), "it is a FeatureSpec"),
        (fraud(model="fraud"), "model of use case 'fraud' is 'fraud'; it is a ModelSignature"),
        (fraud(rule=None), "rule of use case 'fraud' is None; it is a function"),
        (fraud(label_delay=7), "label_delay of use case 'fraud' is 7; it is a timedelta"),
        (fraud(allowed_lateness=timedelta(-1)), "it is a timedelta of 0 or more"),
        (fraud(label_dtype="boolean"), "'boolean'; it is one of bool, int64, float32"),
        (fraud(fit="training.fit"), "it is a text such as 'package.module:function'"),
        (fraud(entity_key="terminal_id"), "fold 'customer' goes by 'customer_id'; folds of use"),
        (lambda: FeatureSpec(("a", "a"), ()), "two features of a FeatureSpec are called 'a'"),
        (lambda: FeatureSpec("a", ()), "names of a FeatureSpec is 'a'; it is a tuple"),  # type: ignore[arg-type]
        (
            lambda: FeatureSpec((), (CUSTOMER,), second=(CUSTOMER,)),
            "two folds of a FeatureSpec are called 'customer'; give each a name of its own",
        ),
        (windows((10, 5)), "windows_ms of fold 'card' is (10, 5); there is at least one, and"),
        (windows(()), "there is at least one"),
        (windows(10), "windows_ms of fold 'card' is 10; it is a tuple of lengths in whole"),
        (windows((0.5,)), "is (0.5,); it is a tuple of lengths in whole milliseconds"),
        (outputs(), "there is at least one, and each has a name of its own"),
        (outputs(Output("a", "x"), Output("a", "y")), "have the tensors a, a; there is"),
        (outputs(Output("a", "x"), Output("b", "x")), "have the fields x, x; there is"),
        (lambda: Output("a", "x", "float64"), "has dtype 'float64'; it is one of float32, int64"),
        (lambda: Output("a", "entity_key"), "'entity_key', which every prediction has for"),
        (lambda: ModelSignature("a/b"), "model_name is 'a/b'; it names a folder of models"),
        (lambda: ModelSignature("m", input_dtype="half"), "input_dtype of model 'm' is 'half'"),
    ],
)
def test_what_cannot_work_is_refused_where_it_is_declared(made: Made, told: str) -> None:
    with pytest.raises(UseCaseError) as refused:
        made()
    assert told in str(refused.value)


def narrow(columns: Mapping[str, Any], windows: Mapping[str, Any]) -> Any:
    return np.zeros((0, 3))


def forgetful(columns: Mapping[str, Any], windows: Mapping[str, Any]) -> Any:
    return columns["amount"]


def no_array(columns: Mapping[str, Any], windows: Mapping[str, Any]) -> Any:
    return None


def scores_alone(features: Any) -> Any:
    return np.zeros(len(features), np.float32)


def doubles(features: Any) -> Any:
    return np.zeros(len(features)), np.zeros(len(features), np.bool_)


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (replace(FRAUD, assemble=narrow), f"shape (0, 3) for no records; {len(SPEC.names)} feat"),
        (replace(FRAUD, assemble=no_array), "gives an array of shape None for no records"),
        (replace(FRAUD, assemble=forgetful), f"fails: KeyError: 'amount' ({__file__}:"),
        (replace(FRAUD, rule=scores_alone), "rule of use case 'fraud' gives no array for no"),
        (replace(FRAUD, rule=doubles), "gives float64 (0,) and bool (0,) for no records; the outp"),
    ],
    ids=["narrow", "no array", "forgetful", "scores alone", "doubles"],
)
def test_functions_that_do_not_fit_are_found_by_trying_them(case: UseCase, told: str) -> None:
    with pytest.raises(UseCaseError) as refused:
        try_out(case)
    assert told in str(refused.value)

"""Bodies are kept as they came: unknown members, forms of numbers, every byte where no secret is."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from cdm_bodies import job, link
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Server, ServerStarter

from headrace.storage import cdm

NUMBERS = itertools.count()
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
NUMBER = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,9})?([eE][-+]?[0-9]{1,2})?", fullmatch=True)
JSON_TEXT = st.recursive(
    st.sampled_from(["null", "true", "false"]) | NUMBER | TEXT.map(json.dumps),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[ {','.join(items)}]")
        | st.dictionaries(TEXT, inner, max_size=3).map(
            lambda members: "{" + ", ".join(f"{json.dumps(name)} :{item}" for name, item in members.items()) + "}"
        )
    ),
    max_leaves=6,
)


def with_members(document: dict[str, Any], members: dict[str, str]) -> str:
    """A document's text with further members, each as its text."""
    further = "".join(f",\n\t{json.dumps('x-' + name)} : {text}" for name, text in members.items())
    return json.dumps(document)[:-1] + further + " }"


def stored(server: Server, cluster: str, name: str) -> str | None:
    with server.services.db.reading() as connection:
        return cdm.job_document(connection, cluster, name)


def post(server: Server, path: str, text: str) -> Any:
    return server.http.post(path, content=text.encode(), headers={"content-type": "application/json"})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(TEXT, JSON_TEXT, max_size=4))
def test_create_job__unknown_members_survive_and_the_text_is_stored_byte_for_byte(
    server: Server, cluster: str, members: dict[str, str]
) -> None:
    base, name = f"/v1.1/{{p}}/clusters/{cluster}/cdm/job", f"kept_{next(NUMBERS)}"
    text = with_members(job(name), members)
    assert post(server, base, f'{{ "jobs" : [\n{text} ]}}').json() == {"name": name}
    assert stored(server, cluster, name) == text
    shown = json.loads(server.http.get(f"{base}/{name}").text, parse_float=str)["jobs"][0]
    sent = json.loads(text, parse_float=str)
    assert {member: shown[member] for member in sent if member.startswith("x-")} == {
        member: value for member, value in sent.items() if member.startswith("x-")
    }


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(TEXT, JSON_TEXT, max_size=4))
def test_update_job__wrapped_twice_is_stored_byte_for_byte(
    server: Server, cluster: str, members: dict[str, str]
) -> None:
    base, name = f"/v1.1/{{p}}/clusters/{cluster}/cdm/job", f"wrapped_{next(NUMBERS)}"
    server.http.post(base, json={"jobs": [job(name)]})
    text = with_members(job(name), members)
    body = f'{{"jobs":{{"jobs":[{text}]}}}}'
    assert server.http.put(f"{base}/{name}", content=body.encode()).status_code == 200
    assert stored(server, cluster, name) == text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT)
def test_update_job__a_value_that_was_read_is_stored_as_it_was(server: Server, cluster: str, value: str) -> None:
    base, name = f"/v1.1/{{p}}/clusters/{cluster}/cdm/job", f"value_{next(NUMBERS)}"
    inputs = [{"name": "fromJobConfig.sql", "value": value}]
    sent = job(name, **{"from-config-values": {"configs": [{"inputs": inputs, "name": "fromJobConfig"}]}})
    server.http.post(base, json={"jobs": [sent]})
    first = stored(server, cluster, name)
    read = server.http.get(f"{base}/{name}").json()["jobs"][0]
    server.http.put(f"{base}/{name}", json={"jobs": [read]})
    second = stored(server, cluster, name)
    assert first is not None
    assert second is not None
    assert json.loads(second)["from-config-values"] == json.loads(first)["from-config-values"]


def test_create_link__a_secret_is_sealed_and_the_form_of_numbers_stays(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/link"
    text = with_members(link("numbers", password="p4ss"), {"a": "1.50", "b": "1E5"})
    assert post(server, base, f'{{"links":[{text}]}}').status_code == 200
    with server.services.db.reading() as connection:
        kept = cdm.link_document(connection, cluster, "numbers")
    assert kept is not None
    assert "p4ss" not in kept
    assert kept.endswith('"x-a":1.50,"x-b":1E5}')


@pytest.mark.parametrize("odd", ['"\\ud800"', "[" * 900 + "]" * 900, "[" * 5000 + "]" * 5000, "1e999999"])
def test_create_job__what_is_taken_can_be_read_again(server: Server, cluster: str, odd: str) -> None:
    base, name = f"/v1.1/{{p}}/clusters/{cluster}/cdm/job", f"odd_{next(NUMBERS)}"
    created = post(server, base, f'{{"jobs":[{with_members(job(name), {"odd": odd})}]}}')
    read = server.http.get(f"{base}/{name}")
    assert created.status_code == read.status_code
    assert created.status_code == 200 or (created.status_code == 400 and created.json()["code"].startswith("Cdm."))


def test_show_job__values_are_plain_where_the_setting_says_so(start_server: ServerStarter, tmp_path: Path) -> None:
    with start_server(tmp_path, encode_cdm_values=False) as server:
        cluster = server.http.get("/v1.1/{p}/clusters").json()["clusters"][0]["id"]
        base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/job"
        server.http.post(base, json={"jobs": [job("plain")]})
        shown = server.http.get(f"{base}/plain").json()["jobs"][0]
        assert shown["from-config-values"]["configs"][0]["inputs"][0]["value"] == "a b"


def test_create_job__the_sample_migrations_are_kept(server: Server, cluster: str, samples: Path) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/job"
    files = sorted(samples.glob("*.cdmjob.json"))
    assert files
    for file in files:
        body = file.read_text("utf-8")
        assert post(server, base, body).status_code == 200
        for sent in json.loads(body)["jobs"]:
            kept = stored(server, cluster, sent["name"])
            assert kept is not None
            assert kept in body
            assert json.loads(kept) == sent

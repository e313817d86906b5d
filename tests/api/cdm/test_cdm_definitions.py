"""CDM links and jobs as clients see them. Sources: CDM API reference; cdm-v1.1 "x-compat"."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from cdm_bodies import Json, job, link
from tests.conftest import Server

from headrace.storage import cdm


def inputs_of(answer: Json) -> Json:
    config = answer["links"][0]["link-config-values"]["configs"][0]
    return {item["name"].removeprefix("linkConfig."): item["value"] for item in config["inputs"]}


def test_create_link__is_shown_with_its_secret_replaced(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/link"
    answer = server.http.post(base, json={"links": [link("l1", host="10.0.0.1", port=3306, password="p4ss")]})
    assert (answer.status_code, answer.json()) == (200, {"name": "l1", "validation-result": [{}]})
    shown = server.http.get(f"{base}/l1").json()
    assert inputs_of(shown) == {"host": "10.0.0.1", "port": "3306", "password": "Add password here"}
    assert shown["links"][0]["unknown-member"] == {"kept": [1.50, None]}
    assert shown["links"][0]["enabled"] is True
    assert isinstance(shown["links"][0]["creation-date"], int)
    database = (server.home / "headrace.db").read_bytes() + (server.home / "headrace.db-wal").read_bytes()
    assert b"p4ss" not in database


def test_update_link__placeholder_keeps_the_secret_and_the_go_client_wraps_twice(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/link"
    server.http.post(base, json={"links": [link("l2", password="first")]})
    body = {"links": {"links": [link("l2new", password="Add password here", host="h")]}}
    answer = server.http.put(f"{base}/l2", json=body, headers={"user-agent": "golangsdk/2.0.0"})
    assert (answer.status_code, answer.json()) == (202, {"validation-result": [{}]})
    assert server.http.get(f"{base}/l2").json()["errCode"] == "Cdm.0101"
    project, services = server.project_id, server.services
    with services.db.reading() as connection:
        stored = {name: text for _, name, text in cdm.all_links(connection, project)}["l2new"]
    sealed = json.loads(stored)["link-config-values"]["configs"][0]["inputs"][0]["value"]
    assert services.sealer.unseal(sealed) == "first"


def test_create_link__taken_name_answers_cdm_0315_in_four_members(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/link"
    server.http.post(base, json={"links": [link("twice")]})
    answer = server.http.post(base, json={"links": [link("twice")]})
    text = "Link name [twice] already exist or created by other user."
    body = {"code": "Cdm.0315", "errCode": "Cdm.0315", "message": text, "externalMessage": text}
    assert (answer.status_code, answer.json()) == (400, body)


def test_create_link__validate_stores_nothing(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/link"
    body = {"links": [{**link("ghost"), "connector-name": "hive-connector"}]}
    answer = server.http.post(f"{base}?validate=TRUE", json=body)
    assert (answer.status_code, answer.json()) == (200, {"name": "ghost", "validation-result": [{}]})
    assert server.http.get(f"{base}/ghost").json()["errCode"] == "Cdm.0101"


def test_create_link__validate_refuses_what_create_would(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/link?validate=true"
    body = {"links": [{**link("ghost"), "link-config-values": 5}]}
    assert server.http.post(base, json=body).json()["code"] == "Cdm.0018"


def test_create_link__a_taken_name_in_a_list_keeps_none_of_it(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/link"
    server.http.post(base, json={"links": [link("there")]})
    assert server.http.post(base, json={"links": [link("not_there"), link("there")]}).status_code == 400
    assert server.http.get(f"{base}/not_there").json()["errCode"] == "Cdm.0101"


@pytest.mark.parametrize(("enabled", "shown"), [(False, False), ("false", False), (None, True)])
def test_show_link__enabled_is_true_or_false(server: Server, cluster: str, enabled: object, shown: bool) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/link"
    name = f"enabled_{enabled}"
    server.http.post(base, json={"links": [{**link(name), "enabled": enabled}]})
    assert server.http.get(f"{base}/{name}").json()["links"][0]["enabled"] is shown


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_link__unknown_name_answers_cdm_0101(server: Server, cluster: str, method: str) -> None:
    body = {"links": [link("x")]} if method == "PUT" else None
    answer = server.http.request(method, f"/v1.1/{{p}}/clusters/{cluster}/cdm/link/no%2Fbody%20%E6%97%A5", json=body)
    assert (answer.status_code, answer.json()["errCode"]) == (400, "Cdm.0101")
    assert answer.json()["message"] == "Link [no/body 日] does not exist."


def test_delete_link__in_use_answers_cdm_0321(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm"
    server.http.post(f"{base}/link", json={"links": [link("used")]})
    server.http.post(f"{base}/job", json={"jobs": [job("user", **{"from-link-name": "used"})]})
    assert server.http.delete(f"{base}/link/used").json()["errCode"] == "Cdm.0321"
    server.http.delete(f"{base}/job/user")
    assert server.http.delete(f"{base}/link/used").status_code == 200


def test_create_job__is_shown_with_lists_and_texts(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/job"
    assert server.http.post(base, json={"jobs": [job("j1")]}).json() == {"name": "j1"}
    shown = server.http.get(f"{base}/j1").json()
    assert shown["total"] == 1
    found = shown["jobs"][0]
    assert found["to-config-values"] == {"configs": [{"inputs": [], "name": "toJobConfig"}]}
    assert found["from-config-values"]["configs"][0]["inputs"][0]["value"] == "a%20b"
    assert (found["status"], found["type"], found["enabled"]) == ("NEW", "NORMAL_JOB", True)


def test_update_job__what_was_read_can_be_sent_back_unchanged(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/job"
    server.http.post(base, json={"jobs": [job("stable")]})
    first = server.http.get(f"{base}/stable").json()["jobs"][0]
    answer = server.http.put(f"{base}/stable", json={"jobs": {"jobs": [first]}})
    assert (answer.status_code, answer.json()) == (200, {"validation-result": [{}, {}, {}]})
    second = server.http.get(f"{base}/stable").json()["jobs"][0]
    assert {**second, "update-date": 0} == {**first, "update-date": 0}


def test_show_jobs__all_lists_pages_by_type_and_part_of_a_name(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/job"
    server.http.post(base, json={"jobs": [job(f"page_{n}") for n in range(12)]})
    server.http.post(base, json={"jobs": [job("page_batch", job_type="BATCH_JOB")]})
    listed = server.http.get(f"{base}/all", params={"filter": "page_", "page_no": 2, "page_size": 10}).json()
    assert (listed["total"], len(listed["jobs"]), listed["page_no"]) == (12, 2, 2)
    batch = server.http.get(f"{base}/all", params={"jobType": "BATCH_JOB"}).json()
    assert [item["name"] for item in batch["jobs"]] == ["page_batch"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_job__unknown_name_answers_400_cdm_0100(server: Server, cluster: str, method: str) -> None:
    body = {"jobs": [job("x")]} if method == "PUT" else None
    answer = server.http.request(method, f"/v1.1/{{p}}/clusters/{cluster}/cdm/job/nobody", json=body)
    assert (answer.status_code, answer.json()["errCode"]) == (400, "Cdm.0100")


def test_create_job__members_that_runs_set_are_not_taken_from_the_body(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/job"
    configs = [
        {"name": "schedulerConfig", "inputs": [{"name": "schedulerConfig.isSchedulerJob", "value": "true"}]},
        {"name": "groupJobConfig", "inputs": [{"name": "groupJobConfig.groupName", "value": "night run"}]},
    ]
    ran = {"status": "SUCCEEDED", "rows_read": 7, "external_id": "job_local1", "id": 3, "enabled": False}
    server.http.post(base, json={"jobs": [job("ran", **ran, **{"driver-config-values": {"configs": configs}})]})
    shown = server.http.get(f"{base}/ran").json()["jobs"][0]
    assert (shown["status"], shown["enabled"], shown["id"] == 3) == ("NEW", True, False)
    assert {"rows_read", "external_id"} & set(shown) == set()
    assert (shown["flag"], shown["group_name"], shown["is_use_sql"]) == (1, "night run", False)


def test_update_job__renames_and_refuses_a_taken_name(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/job"
    server.http.post(base, json={"jobs": [job("old_name"), job("taken_name")]})
    refused = server.http.put(f"{base}/old_name", json={"jobs": [job("taken_name")]}).json()
    assert (refused["code"], refused["message"]) == (
        "Cdm.0104",
        "Job name [taken_name] already exist or created by other user.",
    )
    assert server.http.put(f"{base}/old_name", json={"jobs": [job("new_name")]}).status_code == 200
    assert server.http.get(f"{base}/old_name").json()["errCode"] == "Cdm.0100"
    assert server.http.get(f"{base}/new_name").json()["jobs"][0]["name"] == "new_name"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"name": "all"}, "Cdm.0018"), ({"name": "a/b"}, "Cdm.0018"), ({"job_type": "OTHER"}, "Cdm.0014")],
)
def test_create_job__what_no_job_may_be_is_refused(server: Server, cluster: str, changes: Json, code: str) -> None:
    answer = server.http.post(f"/v1.1/{{p}}/clusters/{cluster}/cdm/job", json={"jobs": [{**job("x"), **changes}]})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("query", [{"page_no": 0}, {"page_size": 101}, {"jobType": "OTHER"}, {"page_no": "x"}])
def test_show_jobs__a_page_that_cannot_be_answers_cdm_0014(server: Server, cluster: str, query: Json) -> None:
    answer = server.http.get(f"/v1.1/{{p}}/clusters/{cluster}/cdm/job/all", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, "Cdm.0014")


def test_cluster__is_the_same_in_detail_and_list(server: Server, cluster: str) -> None:
    listed = server.http.get("/v1.1/{p}/clusters").json()["clusters"][0]
    shown = server.http.get(f"/v1.1/{{p}}/clusters/{cluster}").json()
    assert (shown, shown["instances"][0]["name"], shown["bakKeepDay"]) == (listed, "default", None)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/enterprise-projects"),
        ("GET", "/cdm/link/x"),
        ("GET", "/cdm/job/all"),
        ("GET", "/cdm/submissions?jname=x"),
        ("PUT", "/cdm/job/x/start"),
        ("DELETE", "/cdm/job/x"),
    ],
)
def test_cluster__unknown_id_answers_404(server: Server, method: str, path: str) -> None:
    answer = server.http.request(method, f"/v1.1/{{p}}/clusters/nothing{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "Cdm.0001")


@pytest.mark.parametrize("body", [{}, {"links": []}, {"links": [{}]}, {"links": 5}, {"links": [{"name": "x"}]}])
def test_create_link__bad_body_answers_a_cdm_code(server: Server, cluster: str, body: Json) -> None:
    answer = server.http.post(f"/v1.1/{{p}}/clusters/{cluster}/cdm/link", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"].startswith("Cdm.")


def test_create_link__secrets_inside_maps_are_sealed_replaced_and_kept(server: Server, cluster: str) -> None:
    base = f"/v1.1/{{p}}/clusters/{cluster}/cdm/link"
    properties = {"password": "in-the-map", "sasl.jaas.config": "jaas-secret", "useSSL": "true"}
    server.http.post(base, json={"links": [link("maps", jdbcProperties=properties, password="sealed:v1:literal")]})
    shown = server.http.get(f"{base}/maps").text
    assert "useSSL" in shown
    for secret in ("in-the-map", "jaas-secret", "literal"):
        assert secret not in shown
        for file in ("headrace.db", "headrace.db-wal"):
            assert secret.encode() not in (server.home / file).read_bytes()
    again = server.http.get(f"{base}/maps").json()["links"]
    assert server.http.put(f"{base}/maps", json={"links": again}).status_code == 200
    exported = server.http.post("/v1/{p}/packages/export").content
    with zipfile.ZipFile(io.BytesIO(exported)) as archive:
        text = archive.read("cdm/default/links/maps.json").decode()
    assert "Add password here" in text
    assert "sealed:" not in text

"""CDM links and jobs as clients see them. Sources: CDM API reference; cdm-v1.1 "x-compat"."""

from __future__ import annotations

import json
from typing import Any

import pytest
from huaweicloudsdkcdm.v1 import model
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

from tests.conftest import Server

Json = dict[str, Any]


@pytest.fixture(scope="module")
def cluster(server: Server) -> str:
    found = server.http.get("/v1.1/{p}/clusters").json()["clusters"]
    assert [(item["name"], item["status"]) for item in found] == [("default", "200")]
    return str(found[0]["id"])


def link(name: str, **values: Any) -> Json:
    inputs = [{"name": f"linkConfig.{member}", "value": value} for member, value in values.items()]
    return {
        "link-config-values": {"configs": [{"inputs": inputs, "name": "linkConfig"}]},
        "name": name,
        "connector-name": "generic-jdbc-connector",
        "unknown-member": {"kept": [1.50, None]},
    }


def job(name: str, **changes: Any) -> Json:
    config = {"configs": [{"inputs": [{"name": "fromJobConfig.tableName", "value": "a b"}], "name": "fromJobConfig"}]}
    return {
        "job_type": "NORMAL_JOB",
        "from-connector-name": "generic-jdbc-connector",
        "to-connector-name": "obs-connector",
        "from-link-name": "source",
        "to-link-name": "target",
        "from-config-values": config,
        "to-config-values": {"configs": [{"inputs": {}, "name": "toJobConfig"}]},
        "driver-config-values": {"configs": []},
        "name": name,
        **changes,
    }


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
    from headrace.storage import cdm

    with services.db.reading() as connection:
        stored = dict((name, text) for _, name, text in cdm.all_links(connection, project))["l2new"]
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
    assert server.http.post(f"{base}?validate=true", json={"links": [link("ghost")]}).status_code == 200
    assert server.http.get(f"{base}/ghost").status_code == 400


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


def test_cluster__unknown_id_answers_404(server: Server) -> None:
    assert server.http.get("/v1.1/{p}/clusters/nothing").status_code == 404


@pytest.mark.parametrize("body", [{}, {"links": []}, {"links": [{}]}, {"links": 5}, {"links": [{"name": "x"}]}])
def test_create_link__bad_body_answers_a_cdm_code(server: Server, cluster: str, body: Json) -> None:
    answer = server.http.post(f"/v1.1/{{p}}/clusters/{cluster}/cdm/link", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"].startswith("Cdm.")


def test_sdk__creates_reads_and_deletes_links_and_jobs(server: Server, cluster: str) -> None:
    client = server.sdk_cdm()
    inputs = [model.Input(name="linkConfig.host", value="h")]
    values = model.LinksLinkconfigvalues(configs=[model.Configs(inputs=inputs, name="linkConfig")])
    made = model.Links(link_config_values=values, name="sdk_link", connector_name="generic-jdbc-connector")
    created = client.create_link(
        model.CreateLinkRequest(cluster_id=cluster, body=model.CdmCreateAndUpdateLinkReq(links=[made]))
    )
    assert created.name == "sdk_link"
    shown = client.show_link(model.ShowLinkRequest(cluster_id=cluster, link_name="sdk_link"))
    assert shown.links[0].name == "sdk_link"
    assert [one.name for one in client.list_clusters(model.ListClustersRequest()).clusters] == ["default"]
    server.http.post(f"/v1.1/{{p}}/clusters/{cluster}/cdm/job", json={"jobs": [job("sdk_job")]})
    found = client.show_jobs(model.ShowJobsRequest(cluster_id=cluster, job_name="sdk_job"))
    assert found.jobs[0].name == "sdk_job"
    status = client.show_job_status(model.ShowJobStatusRequest(cluster_id=cluster, job_name="sdk_job"))
    assert status.submissions[0].status == "NEVER_EXECUTED"
    history = client.show_submissions(model.ShowSubmissionsRequest(cluster_id=cluster, jname="sdk_job"))
    assert history.total == 0
    client.delete_job(model.DeleteJobRequest(cluster_id=cluster, job_name="sdk_job"))
    client.delete_link(model.DeleteLinkRequest(cluster_id=cluster, link_name="sdk_link"))
    with pytest.raises(ClientRequestException) as refusal:
        client.show_jobs(model.ShowJobsRequest(cluster_id=cluster, job_name="sdk_job"))
    assert refusal.value.error_code == "Cdm.0100"

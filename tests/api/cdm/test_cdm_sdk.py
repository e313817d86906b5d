"""The official Python SDK, unmodified."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from huaweicloudsdkcdm.v1 import model
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, ServerResponseException
from tests.conftest import Server


@pytest.fixture(scope="module")
def client(server: Server) -> Any:
    return server.sdk_cdm()


def link(name: str, **values: str) -> model.Links:
    inputs = [model.Input(name=f"linkConfig.{member}", value=value) for member, value in values.items()]
    configs = model.LinksLinkconfigvalues(configs=[model.Configs(inputs=inputs, name="linkConfig")])
    return model.Links(link_config_values=configs, name=name, connector_name="generic-jdbc-connector")


def job(name: str) -> model.Job:
    def section(parameter: str, value: str) -> model.ConfigValues:
        inputs = [model.Input(name=parameter, value=value)]
        return model.ConfigValues(configs=[model.Configs(inputs=inputs, name=parameter.partition(".")[0])])

    return model.Job(
        job_type="NORMAL_JOB",
        from_connector_name="generic-jdbc-connector",
        to_connector_name="obs-connector",
        from_link_name="sdk_source",
        to_link_name="sdk_target",
        from_config_values=section("fromJobConfig.tableName", "orders"),
        to_config_values=section("toJobConfig.bucketName", "lake"),
        driver_config_values=section("throttlingConfig.numExtractors", "1"),
        name=name,
    )


def refusal(act: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(ClientRequestException) as refused:
        act()
    return refused.value.status_code, refused.value.error_code


def test_sdk__shows_clusters_and_what_is_installed(client: Any, cluster: str) -> None:
    assert [one.name for one in client.list_clusters(model.ListClustersRequest()).clusters] == ["default"]
    shown = client.show_cluster_detail(model.ShowClusterDetailRequest(cluster_id=cluster))
    assert (shown.id, shown.status, shown.instances[0].type) == (cluster, "200", "cdm")
    assert client.show_datastores(model.ShowDatastoresRequest()).datastores[0].name == "cdm"
    projects = client.show_enterprise_projects(model.ShowEnterpriseProjectsRequest()).resources
    assert [one.cluster_id for one in projects] == [cluster]
    asked = model.ShowClusterEnterpriseProjectsRequest(cluster_id=cluster)
    assert client.show_cluster_enterprise_projects(asked).sys_tags == []


def test_sdk__creates_checks_reads_renames_and_deletes_a_link(client: Any, cluster: str) -> None:
    body = model.CdmCreateAndUpdateLinkReq(links=[link("sdk_link", host="h", password="p")])
    with pytest.raises(ServerResponseException) as failed:
        client.create_link(model.CreateLinkRequest(cluster_id=cluster, validate="true", body=body))
    assert (failed.value.status_code, failed.value.error_code) == (500, "Cdm.0102")
    created = client.create_link(model.CreateLinkRequest(cluster_id=cluster, body=body))
    assert (created.name, created.validation_result[0].link_config) == ("sdk_link", None)
    shown = client.show_link(model.ShowLinkRequest(cluster_id=cluster, link_name="sdk_link")).links[0]
    inputs = shown.link_config_values.configs[0].inputs
    assert [(one.name, one.value) for one in inputs] == [
        ("linkConfig.host", "h"),
        ("linkConfig.password", "Add password here"),
    ]
    shown.name = "sdk_renamed"
    again = model.CdmCreateAndUpdateLinkReq(links=[shown])
    client.update_link(model.UpdateLinkRequest(cluster_id=cluster, link_name="sdk_link", body=again))
    client.delete_link(model.DeleteLinkRequest(cluster_id=cluster, link_name="sdk_renamed"))
    gone = model.ShowLinkRequest(cluster_id=cluster, link_name="sdk_renamed")
    assert refusal(lambda: client.show_link(gone)) == (400, "Cdm.0101")


def test_sdk__creates_lists_updates_and_deletes_a_job(client: Any, cluster: str) -> None:
    body = model.CdmCreateJobJsonReq(jobs=[job("sdk_job")])
    assert client.create_job(model.CreateJobRequest(cluster_id=cluster, body=body)).name == "sdk_job"
    asked = model.ShowJobsRequest(cluster_id=cluster, job_name="all", filter="sdk_", page_no=1, page_size=10)
    listed = client.show_jobs(asked)
    assert (listed.total, [one.name for one in listed.jobs], listed.page_no) == (1, ["sdk_job"], 1)
    shown = client.show_jobs(model.ShowJobsRequest(cluster_id=cluster, job_name="sdk_job")).jobs[0]
    assert shown.from_config_values.configs[0].inputs[0].value == "orders"
    shown.name = "sdk_renamed"
    changed = model.CdmUpdateJobJsonReq(jobs=[shown])
    client.update_job(model.UpdateJobRequest(cluster_id=cluster, job_name="sdk_job", body=changed))
    client.delete_job(model.DeleteJobRequest(cluster_id=cluster, job_name="sdk_renamed"))
    gone = model.ShowJobsRequest(cluster_id=cluster, job_name="sdk_renamed")
    assert refusal(lambda: client.show_jobs(gone)) == (400, "Cdm.0100")


def test_sdk__starts_a_job_and_reads_why_it_could_not_be_run(client: Any, cluster: str) -> None:
    body = model.CdmCreateJobJsonReq(jobs=[job("sdk_idle")])
    client.create_job(model.CreateJobRequest(cluster_id=cluster, body=body))
    asked = model.ShowJobStatusRequest(cluster_id=cluster, job_name="sdk_idle")
    assert client.show_job_status(asked).submissions[0].status == "NEVER_EXECUTED"
    stop = model.StopJobRequest(cluster_id=cluster, job_name="sdk_idle")
    assert refusal(lambda: client.stop_job(stop)) == (400, "Cdm.0053")
    start = model.StartJobRequest(cluster_id=cluster, job_name="sdk_idle", body=model.CdmStartJobReq(variables={}))
    started = client.start_job(start).submissions[0]
    assert (started.job_name, started.status) == ("sdk_idle", "BOOTING")
    deadline = time.monotonic() + 30
    while (ended := client.show_job_status(asked).submissions[0]).status in ("BOOTING", "RUNNING"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (ended.status, ended.progress, ended.submission_id) == ("FAILURE_ON_SUBMIT", -1, started.submission_id)
    history = client.show_submissions(model.ShowSubmissionsRequest(cluster_id=cluster, jname="sdk_idle"))
    assert (history.total, [one.status for one in history.submissions]) == (1, ["FAILURE_ON_SUBMIT"])


def test_sdk__makes_changes_stops_starts_and_deletes_a_cluster(client: Any) -> None:
    wanted = model.CdmCreateClusterReqCluster(name="pool", vpc_id="v", is_auto_off=True)
    body = model.CdmCreateClusterReq(cluster=wanted)
    made = client.create_cluster(model.CreateClusterRequest(x_language="en-us", body=body)).id

    def status() -> str:
        shown: str = client.show_cluster_detail(model.ShowClusterDetailRequest(cluster_id=made)).status
        return shown

    assert status() == "200"
    options = model.CdmStopClusterReqStop(stop_mode="IMMEDIATELY")
    client.stop_cluster(model.StopClusterRequest(cluster_id=made, body=model.CdmStopClusterReq(stop=options)))
    assert status() == "900"
    client.create_job(model.CreateJobRequest(cluster_id=made, body=model.CdmCreateJobJsonReq(jobs=[job("in_pool")])))
    start = model.StartJobRequest(cluster_id=made, job_name="in_pool", body=model.CdmStartJobReq(variables={}))
    assert refusal(lambda: client.start_job(start)) == (400, "Cdm.0056")
    client.start_cluster(model.StartClusterRequest(cluster_id=made, body=model.CdmStartClusterReq(start={})))
    assert status() == "200"
    assert client.show_instance_detail(model.ShowInstanceDetailRequest(instance_id=made)).instance.cluster_id == made
    change = model.CdmModifyClusterReq(auto_off=False)
    client.modify_cluster(model.ModifyClusterRequest(x_language="en-us", cluster_id=made, body=change))
    assert client.show_cluster_detail(model.ShowClusterDetailRequest(cluster_id=made)).is_auto_off is False
    client.delete_cluster(model.DeleteClusterRequest(cluster_id=made, body=model.CdmDeleteClusterReq()))
    with pytest.raises(ClientRequestException) as gone:
        status()
    assert gone.value.status_code == 404


def test_sdk__the_default_cluster_always_runs(client: Any, cluster: str) -> None:
    deletion = model.DeleteClusterRequest(cluster_id=cluster, body=model.CdmDeleteClusterReq())
    assert refusal(lambda: client.delete_cluster(deletion)) == (400, "Cdm.0014")


def test_sdk__looks_up_what_there_is(client: Any) -> None:
    zones = client.show_availability_zones(model.ShowAvailabilityZonesRequest(region_id="eu-de"))
    assert [zone.available_zone_id for zone in zones.available_zones] == [zones.default_az]
    flavors = client.show_flavors(model.ShowFlavorsRequest(datastore_id="cdm")).versions[0].flavors
    detail = client.show_flavor_detail(model.ShowFlavorDetailRequest(flavor_id=flavors[0].str_id))
    assert detail.name == flavors[0].name

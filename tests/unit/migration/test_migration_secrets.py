"""What is told of a job carries none of its secrets."""

from __future__ import annotations

from headrace.migration.secrets import job_secrets, secrets_of, without_secrets
from headrace.transfer.definition import Job
from headrace.transfer.options import Link, Options


def test_without_secrets__hides_the_longest_first() -> None:
    assert (
        without_secrets("host=h password=pw-and-more user=pw", ["pw", "pw-and-more"]) == "host=h password=*** user=***"
    )


def test_job_secrets__are_those_of_its_links_and_sides() -> None:
    def link(name: str, **values: str) -> Link:
        return Link(name=name, connector="c", values=values)

    job = Job(
        name="j",
        from_link=link("a", host="h", password="first", securityKey=""),
        to_link=link("b", accessKey="known", securityKey="second"),
        source=Options(section="fromJobConfig", values={"tableName": "t", "dek": "third"}),
        target=Options(section="toJobConfig", values={"tableName": "t"}),
        driver={},
        dirty_link=link("d", securityKey="fourth"),
    )
    assert sorted(job_secrets(job)) == ["first", "fourth", "second", "third"]


def test_secrets_of__finds_them_in_maps_too() -> None:
    inputs = [
        {"name": "linkConfig.password", "value": "one"},
        {"name": "linkConfig.jdbcProperties", "value": {"trustStorePassword": "two", "useSSL": "true"}},
    ]
    document = {"link-config-values": {"configs": [{"inputs": inputs}]}}
    assert secrets_of(document) == ["one", "two"]

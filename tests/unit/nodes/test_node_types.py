"""Every published node type is declared: it runs, or it says why not."""

from __future__ import annotations

import pytest

from headrace.nodes.base import compared_name, is_known_type, node_types

# Source: user guide, "Node Reference"; API reference, "Creating a Job"; exported jobs.
RUNNING = [
    "HiveSQL",
    "SparkSQL",
    "DWSSQL",
    "DLISQL",
    "RDSSQL",
    "PrestoSQL",
    "MRSPrestoSQL",
    "MRSHetuEngine",
    "ClickHouse",
    "ImpalaSQL",
    "DorisSQL",
    "Shell",
    "Python",
    "RESTAPI",
    "RESTClient",
    "SMN",
    "OBSManager",
    "CreateOBS",
    "DeleteOBS",
    "DLISpark",
    "MRSSpark",
    "MRSSparkPython",
    "MapReduce",
    "MRSFlinkJob",
    "MRSFlink",
    "FlinkSQL",
    "Dummy",
    "ForEachJob",
    "ForEach",
    "DLFSubJob",
    "SubJob",
    "DataQualityMonitor",
    "KafkaClient",
    "MRSKafka",
    "DISClient",
    "DISStream",
    "CSS",
    "CDMJob",
    "DataMigration",
]
REFUSED = [
    "DLIFlinkJob",
    "CSJob",
    "FlinkJar",
    "DISTransferTask",
    "CloudTableManager",
    "CloudTableManage",
    "MachineLearning",
    "ImportGES",
    "OpenResource",
    "CloseResource",
    "ETLJob",
    "OCR",
    "ROMAFDIJob",
    "ModelArtsTrain",
]
LABELS = (
    *("MRS Hive SQL", "MRS Spark SQL", "RDS SQL", "CDM Job", "Rest Client", "OBS Manager", "Create OBS", "Delete OBS"),
    *("DLI Flink Job", "MRS MapReduce", "MRS Flink Job", "MRS HetuEngine", "MRS ClickHouse", "MRS Impala SQL"),
    *("MRS Presto SQL", "MRS Spark Python", "DIS Dump", "DIS Stream", "CloudTable Manager", "Data Quality Monitor"),
    *(
        "Kafka Client",
        "MRS Kafka",
        "DIS Client",
        "Import GES",
        "Open/Close Resource",
        "ROMA FDI Job",
        "ModelArts Train",
    ),
)


@pytest.mark.parametrize("name", RUNNING)
def test_published_types__those_that_can_run(name: str) -> None:
    assert is_known_type(name)


@pytest.mark.parametrize("name", REFUSED)
def test_published_types__those_that_say_why_not(name: str) -> None:
    assert not is_known_type(name)
    cls, _ = node_types()[compared_name(name)]
    assert cls.refusal(name).endswith(".")


def test_published_types__the_labels_of_the_console_name_them_too() -> None:
    assert [label for label in LABELS if compared_name(label) not in node_types()] == []

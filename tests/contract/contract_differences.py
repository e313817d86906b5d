"""Every known difference between the published contracts and what this server declares, with its reason.

A difference that is not here fails the contract test, and so does one that is here and exists no more.
"""

from __future__ import annotations

from dataclasses import dataclass

OLD_SPELLING = (
    "One failure has two published codes. The one of the error table and of every client is answered; the other one is "
    "in a single example."
)
NO_OPTIONS = "The published body has no member: whatever is sent is ignored, an archive of bytes included."
KEPT = "Seen in real exports, without a documented meaning: kept in the document and given back with it."
NOT_MEASURED = "Counters of engines of the original that have no counterpart here; optional, and left out."
UNKNOWN_USE = "Optional in the contract, and nothing here has such a value: left out."
GO_CLIENT = "The Go client alone takes nothing but 202, and alone gets it; the document names the 200 all others get."
AS_KEPT = (
    "Its members are those of documents that are kept as received; the generated document only says that it is an "
    "object."
)
AN_OBJECT = "The generated document only says that it is an object; tests read its members with the official client."
UPLOAD = "Ours: options of an archive that is sent in the request itself, where the body is the archive."


@dataclass(frozen=True)
class Difference:
    """``operation``: its published id; ``what``: as the comparison words it."""

    operation: str
    what: tuple[str, ...]
    why: str


FACTS = (
    Difference("ExportJob", ("DLF.30100 is not answered",), OLD_SPELLING),
    Difference("StopJobInstance", ("DLF.30137 is not answered",), OLD_SPELLING),
    Difference("RestoreJobInstance", ("DLF.30137 is not answered",), OLD_SPELLING),
    Difference("ShowFactoryJobInstance", ("DLF.30137 is not answered",), OLD_SPELLING),
    Difference(
        "ListFactoryJobInstancesByName",
        ("query member max_plain_time is ours", "query member min_plain_time is ours"),
        "Older editions spell the bounds so; both spellings are taken.",
    ),
    Difference(
        "DeleteFactoryBaseline",
        ("1019 is not answered",),
        "A single example, in a shape of error of its own; an unknown workspace answers DLF.0819 as everywhere.",
    ),
    Difference("ListSystemTasks", ("DLF.0810 is not answered",), OLD_SPELLING),
    Difference(
        "CreateManagerWorkSpace",
        ("it answers [200], not [200, 204]",),
        "Two editions differ; clients take either, and 200 is the one whose body names the workspace.",
    ),
    Difference("ImportJob", ("query member options is ours", "query member sameNamePolicy is ours"), UPLOAD),
    Difference(
        "RunOnce",
        ("query member job_path is not taken",),
        "A job is found by its name, which is unique in its workspace; the query member is ignored.",
    ),
    *(
        Difference(operation, ("it answers [200], not [200, 202]",), GO_CLIENT)
        for operation in (
            "updateLink",
            "createJob",
            "updateJob",
            "deleteJob",
            "createAndStartRandomClusterJob",
            "startJob",
            "stopJob",
            "clusterAction",
        )
    ),
)

SCHEMAS = (
    Difference("CancelScript", ("it takes no body",), NO_OPTIONS),
    Difference("StopJob", ("it takes no body",), NO_OPTIONS),
    Difference("StopJobInstance", ("it takes no body",), NO_OPTIONS),
    Difference("ExportConnections", ("it takes no body",), NO_OPTIONS),
    Difference("CreateJob", ("request.basicConfig.encrypt has no meaning here",), KEPT),
    Difference("UpdateJob", ("request.basicConfig.encrypt has no meaning here",), KEPT),
    Difference("ShowJob", ("answer.basicConfig.encrypt is left out",), KEPT),
    Difference(
        "ListJobs",
        ("answer.jobs[].flinkJobInfo is left out", "answer.jobs[].alarms is left out"),
        UNKNOWN_USE,
    ),
    Difference(
        "ListResources",
        (
            "answer.resources[].jobRelation[].scriptName is left out",
            "answer.resources[].jobRelation[].scriptId is left out",
        ),
        "Only jobs name resources here; the members belong to scripts that do.",
    ),
    Difference(
        "ShowResource",
        ("answer.jobRelation[].scriptName is left out", "answer.jobRelation[].scriptId is left out"),
        "Only jobs name resources here; the members belong to scripts that do.",
    ),
    Difference(
        "ShowJobStatus",
        tuple(
            f"answer.nodes[].{member} is left out"
            for member in (
                "runningData",
                "extendCounter",
                "bufferRecords",
                "speed",
                "totalGetBytes",
                "totalGetRecords",
                "totalPutBytes",
                "totalPutRecords",
            )
        ),
        NOT_MEASURED,
    ),
    *(
        Difference(operation, ("answer is not described",), AS_KEPT)
        for operation in (
            "listClusters",
            "showClusterDetail",
            "createLink",
            "showLink",
            "updateLink",
            "createJob",
            "updateJob",
            "showJobs",
            "showJobStatus",
            "showSubmissions",
        )
    ),
    *(
        Difference(operation, ("answer is not described",), AN_OBJECT)
        for operation in (
            "createAndStartRandomClusterJob",
            "startJob",
            "stopJob",
            "deleteCluster",
            "clusterAction",
            "showAvailabilityZones",
            "showFlavors",
            "showFlavorDetail",
            "showInstanceDetail",
        )
    ),
    Difference(
        "createCluster",
        (
            "answer is not described",
            *(f"request.{name} has no meaning here" for name in ("auto_remind", "email", "phone_num")),
        ),
        "Reminders of a cluster are not sent; SMN nodes and alarms send messages.",
    ),
    Difference("deleteLink", ("it answers JSON",), "An empty object: the SDK reads the answer of a 200 as JSON."),
)

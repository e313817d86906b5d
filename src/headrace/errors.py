"""Every error a caller can be told: its code, HTTP status and text.

An error is raised where it is known and rendered once, in ``api/envelopes.py`` (or printed by the command line).
``detail`` names the member and the value at fault and what would repair it; the code never depends on it.
Codes and texts: the published error table of the service; where table and examples differ, the text clients see.
"""

from __future__ import annotations

from typing import ClassVar


class HeadraceError(Exception):
    """Base of all errors a caller can be told.

    ``code`` is the documented error code, ``status`` the HTTP status, ``text`` the documented message.
    """

    code: ClassVar[str] = "DLF.3051"
    status: ClassVar[int] = 400
    text: ClassVar[str] = "The request parameter is invalid."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    @property
    def message(self) -> str:
        """The documented text, then the detail."""
        return f"{self.text} {self.detail}".strip()

    def __str__(self) -> str:
        return self.message


# ---- parameters and paths


class InvalidParameter(HeadraceError):
    """A path, query or body member is malformed, or the object is in the wrong state."""


class MissingParameter(HeadraceError):
    """A mandatory member is absent."""

    code, text = "DLF.0802", "The specified parameter is not configured."


class InvalidObsPath(HeadraceError):
    """Not of the form obs://bucket/key."""

    code, text = "DLF.0803", "The OBS path is invalid."


class ObsFileUnreadable(HeadraceError):
    """The object is missing, unreadable, too large or not an archive."""

    code, text = "DLF.0815", "Fail to read OBS file."


class BucketNotFound(HeadraceError):
    """The bucket part of an obs:// path is unknown."""

    code, text = "DLF.1242", "The OBS bucket does not exist."


class WorkspaceNotFound(HeadraceError):
    """The id in the workspace header is unknown."""

    code, text = "DLF.0819", "The workspace does not exist."


class ScriptWorkspaceNotFound(WorkspaceNotFound):
    """The same, as script execution answers it."""

    code = "DLF.20819"


class PermissionDenied(HeadraceError):
    """The role of the user does not allow this in the workspace."""

    code, text = "DLF.6888", "Invalid account permissions."


# ---- jobs


class JobNotFound(HeadraceError):
    """400, not 404."""

    code, text = "DLF.0100", "The job does not exists."


class JobQuotaReached(HeadraceError):
    """The workspace may not hold more jobs."""

    code, text = "DLF.0101", "The job quota has reached the upper limit."


class JobNameExists(HeadraceError):
    """Job names are unique inside a workspace, whatever the directory."""

    code, text = "DLF.0102", "The job name already exists."


class BatchJobsOnly(HeadraceError):
    """The operation makes no sense for a REAL_TIME job."""

    code, text = "DLF.0136", "This API can be called only for batch jobs."


class InstanceNotFound(HeadraceError):
    """Unknown job instance, or one of another job."""

    code, text = "DLF.0137", "Job instance does not exist."


class BackfillNotFound(HeadraceError):
    """No supplement data of this name; ``detail`` is the name."""

    code, text = "DLF.0113", "The supplement does not exist."

    @property
    def message(self) -> str:
        """The documented text, which holds the name."""
        return f"The supplement [{self.detail}] does not exist." if self.detail else self.text


class BackfillNameExists(HeadraceError):
    """Names of supplement data are unique in a workspace."""

    code, text = "DLF.30110", "The supplement data name already exists."


class BackfillNeedsPeriods(HeadraceError):
    """The job has no cron schedule."""

    code, text = "DLF.30111", "The job should be cron job or http trigger or parent trigger."


class BackfillTooLarge(HeadraceError):
    """More dates than one task may have."""

    code, text = "DLF.30114", "There are too many instances."


class BackfillRunning(HeadraceError):
    """Supplement data of the job is running already."""

    code, text = "DLF.30116", "The supplement data instance is already running."


class InvalidBackfillName(HeadraceError):
    """Empty, longer than 128 characters, or with characters that names cannot have."""

    code, text = "DLF.30120", "The supplement data name is invalid."


class InvalidBackfillRange(HeadraceError):
    """The end is before the start, or one of them is not written as documented."""

    code, text = "DLF.30121", "The end time should be at least 2 second later than the start time."


class JobHasNoNodes(HeadraceError):
    """Starting or running a job without nodes."""

    code, text = "DLF.1006", "The job node is empty."


class InvalidJobType(HeadraceError):
    """processType or jobType is neither BATCH nor REAL_TIME."""

    code, text = "DLF.2014", "The job object type is invalid."


class JobNameBlank(HeadraceError):
    """The job has no name."""

    code, text = "DLF.3004", "The job name cannot be left blank."


class InvalidJobName(HeadraceError):
    """Longer than 128 characters, or with characters that names cannot have."""

    code, text = "DLF.3018", "The job name is invalid."


class InvalidSchedule(HeadraceError):
    """The schedule block is contradictory or malformed."""

    code, text = "DLF.3025", "The job scheduling parameter is invalid."


class InvalidJobDescription(HeadraceError):
    """The description is too long or of a wrong type."""

    code, text = "DLF.3050", "The job description is invalid."


# ---- scripts


class ScriptNotCreated(HeadraceError):
    """The script was refused for a reason without a code of its own."""

    code, text = "DLF.0201", "The script fails to be created."


class ScriptNameExists(HeadraceError):
    """Script names are unique inside a workspace."""

    code, text = "DLF.0202", "The script name has been used by another script."


class ScriptNotModified(HeadraceError):
    """The update was refused for a reason without a code of its own."""

    code, text = "DLF.0203", "The script fails to be modified."


class ScriptNotFound(HeadraceError):
    """No script of that name in the workspace."""

    code, text = "DLF.6201", "The script does not exist."


class ScriptInstanceNotFound(HeadraceError):
    """Unknown script instance, or one of another script."""

    code, text = "DLF.6205", "The script running history does not exist."


class InvalidScriptType(HeadraceError):
    """The type is missing, empty or unknown."""

    code, text = "DLF.6247", "The script type is not specified."


class ScriptQuotaReached(HeadraceError):
    """The workspace may not hold more scripts."""

    code, text = "DLF.6253", "The script quota has reached the upper limit."


# ---- resources


class ResourceNotFound(HeadraceError):
    """Unknown resource id. 400, not 404."""

    code, text = "DLF.6241", "The resource information does not exist."


class ResourceNameExists(HeadraceError):
    """Resource names are unique in their directory."""

    code, text = "DLF.6259", "Files of the same name exist in the directory."


class InvalidResourceType(HeadraceError):
    """type is not archive, file, jar or pyFile."""

    code, text = "DLF.6263", "The resource type is invalid."


class InvalidResourceLocation(HeadraceError):
    """location is no obs:// or hdfs:// path, or is too long."""

    code, text = "DLF.6264", "The OBS path of the resource file is invalid."


class InvalidResourceDescription(HeadraceError):
    """desc is longer than 255 characters."""

    code, text = "DLF.6265", "The resource description is invalid."


# ---- connections


class DliConnectionExists(HeadraceError):
    """A second connection of type DLI."""

    code, text = "DLF.6271", "Each user can create only one DLI connection."


class ConnectionNameExists(HeadraceError):
    """Connection names are unique inside a workspace."""

    code, text = "DLF.6309", "The name already exists."


class ConnectionNotFound(HeadraceError):
    """No connection of that name."""

    code, text = "DLF.6322", "The data connection does not exist."


class ConnectionTypeFixed(HeadraceError):
    """The type of an existing connection cannot change."""

    code, text = "DLF.6323", "The connection type cannot be modified."


class DwsAddressMissing(HeadraceError):
    """A DWS connection needs clusterName, or ip together with port."""

    code = "DLF.6418"
    text = "Either the DWS cluster name or the access address and port number of the cluster must be configured."


class ConnectionTestFailed(HeadraceError):
    """The address could not be reached when the connection was tested."""

    code, text = "DLF.6423", "An exception occurs when the agent is creating a job."


# ---- tasks


class TaskNotFound(HeadraceError):
    """Unknown system task; the text repeats the id and has no full stop. Source: query example, DLF.20810."""

    code, text = "DLF.20810", "Task does not exist"

    def __init__(self, task_id: str) -> None:
        super().__init__(task_id)

    @property
    def message(self) -> str:
        return f"Task[{self.detail}] does not exist"


class ValueNotFound(HeadraceError):
    """What a parameter names does not exist. Source: "Creating a Baseline", DLF.21203."""

    code, text = "DLF.21203", "The value of a parameter does not exist."

    def __init__(self, member: str) -> None:
        super().__init__(member)

    @property
    def message(self) -> str:
        return f"The value of parameter [{self.detail}] does not exist, please check again its value."


# ---- the gateway in front of the service


class RouteNotFound(HeadraceError):
    """No operation has this path."""

    code, status, text = "APIGW.0101", 404, "The API does not exist or has not been published in the environment"


class MethodNotAllowed(HeadraceError):
    """The path is known, the method is not."""

    code, status, text = "APIGW.0101", 405, "The method is not allowed for this API"


class NotAuthenticated(HeadraceError):
    """Token or signature missing, wrong or out of date."""

    code, status, text = "APIGW.0301", 401, "Incorrect IAM authentication information:"


class ProjectNotAllowed(HeadraceError):
    """The project of the path is not the project of the credentials."""

    code, status, text = "APIGW.0302", 403, "The project of the path is not the project of the credentials."


class BodyTooLarge(HeadraceError):
    """The request body is larger than the limit."""

    code, status, text = "APIGW.0201", 413, "The request body is too large."


class InternalError(HeadraceError):
    """A bug: logged with its trace, told without it."""

    code, status, text = "DLF.0900", 500, "An internal error occurred. The server's log has it under the request id."

"""Import of jobs and connections, from the object store or from the request itself."""

from __future__ import annotations

import msgspec

from headrace.api.decoding import decode_json
from headrace.api.operation import Call, operation
from headrace.api.uploads import is_upload, read_upload
from headrace.errors import (
    BucketNotFound,
    InvalidObsPath,
    InvalidParameter,
    MissingParameter,
    ObsFileUnreadable,
    PermissionDenied,
    WorkspaceNotFound,
)
from headrace.factory import imports
from headrace.factory.imports import Wanted
from headrace.wire.base import Wire
from headrace.wire.v1.packages import FileInfo, FilePath, ImportConnectionsRequest, ImportPlan, ImportRequest
from headrace.wire.v1.tasks import TaskReference

_UNREADABLE = (ObsFileUnreadable, MissingParameter, InvalidObsPath, WorkspaceNotFound, BucketNotFound)


class UploadQuery(Wire):
    """Options of an archive in the request itself; ``options`` is the JSON of ImportJob's body without ``path``."""

    same_name_policy: str | None = None
    options: str | None = None


@operation("POST", "/v1/{project_id}/jobs/check-file", errors=_UNREADABLE, tag="job", slow=True)
def show_file_info(call: Call, body: FilePath) -> FileInfo:
    """Look into an archive before importing it. Source: API reference, "Viewing a Job File"."""
    return imports.look_into(call.services, body.path)


@operation(
    "POST",
    "/v1/{project_id}/jobs/import",
    errors=(*_UNREADABLE, InvalidParameter, PermissionDenied),
    tag="job",
    slow=True,
    upload=True,
    json_uploads=(ImportRequest,),
)
def import_job(call: Call, body: bytes, query: UploadQuery) -> TaskReference:
    """Import jobs from an archive in the object store, or (ours) from the request itself; answers a task.

    With ``Content-Type: application/zip`` the body is the archive, with ``multipart/form-data`` its file is; options
    are then query members or form fields: ``sameNamePolicy``, and ``options`` with the JSON of the usual body. The
    object is looked up before the answer, its content is judged by the task. Source: API reference, "Importing a Job".
    """
    wanted = _wanted(call, body, query)
    return TaskReference(task_id=imports.start(call.services, call.caller, wanted))


@operation(
    "POST",
    "/v1/{project_id}/packages/plan",
    errors=(*_UNREADABLE, InvalidParameter),
    tag="package",
    extension=True,
    slow=True,
    upload=True,
    json_uploads=(ImportRequest,),
)
def plan_import(call: Call, body: bytes, query: UploadQuery) -> ImportPlan:
    """What an import would do, object by object, with what would change; nothing is written."""
    wanted = _wanted(call, body, query)
    try:
        return imports.plan(call.services, call.caller, wanted)
    finally:
        imports.drop_upload(wanted)


def _wanted(call: Call, body: bytes, query: UploadQuery) -> Wanted:
    content_type = call.headers.get("content-type", "")
    if not is_upload(content_type):
        request = decode_json(ImportRequest, body)
        imports.check_object(call.services, request.path)
        return Wanted(path=request.path or "", request=request)
    upload = read_upload(content_type, body)
    options = upload.fields.get("options") or query.options
    request = decode_json(ImportRequest, options.encode()) if options else ImportRequest()
    policy = upload.fields.get("sameNamePolicy") or query.same_name_policy
    request = msgspec.structs.replace(request, same_name_policy=policy or request.same_name_policy)
    return Wanted(path=upload.name, upload=imports.keep_upload(call.services, upload.content), request=request)


@operation(
    "POST",
    "/v1/{project_id}/connections/import",
    errors=(*_UNREADABLE, InvalidParameter),
    tag="connection",
    slow=True,
)
def import_connections(call: Call, body: ImportConnectionsRequest) -> TaskReference:
    """Import connections from an archive; ``params`` complete the secrets that exports leave out.

    Source: API reference, "Importing Connections".
    """
    imports.check_object(call.services, body.path)
    wanted = Wanted(path=body.path or "", connections=body)
    return TaskReference(task_id=imports.start(call.services, call.caller, wanted))

"""Errors of the CDM API: their codes are Cdm.xxxx. Source: CDM API reference, "Error Codes"; texts from its samples."""

from __future__ import annotations

from headrace.errors import HeadraceError


class CdmError(HeadraceError):
    """A parameter is invalid.

    The detail takes the place of ``%s`` in the documented text of a code, or follows the text.
    """

    code, text = "Cdm.0014", "The parameter is invalid."

    @property
    def message(self) -> str:
        """The documented text with its ``%s`` filled in."""
        return self.text.replace("%s", self.detail) if "%s" in self.text else super().message


class CdmContentInvalid(CdmError):
    """The content of a job or link is invalid."""

    code, text = "Cdm.0018", "The content of the job or link is invalid."


class ClusterNotFound(CdmError):
    """404: Terraform's delete waits for exactly that."""

    code, status, text = "Cdm.0001", 404, "The resource does not exist or is not visible."


class LinkNameExists(CdmError):
    """Link names are unique in a cluster."""

    code, text = "Cdm.0315", "Link name [%s] already exist or created by other user."


class LinkNotFound(CdmError):
    """No link of that name in the cluster."""

    code, text = "Cdm.0101", "Link [%s] does not exist."


class LinkInUse(CdmError):
    """A job uses the link. The detail is the link's name, then the jobs."""

    code, text = "Cdm.0321", "The link is in use and cannot be deleted:"


class CdmJobNotFound(CdmError):
    """400 with this code: Terraform takes it for "gone"."""

    code, text = "Cdm.0100", "Job [%s] does not exist."


class CdmJobNameExists(CdmError):
    """Job names are unique in a cluster."""

    code, text = "Cdm.0104", "Job name [%s] already exist or created by other user."


class CdmJobNotRunning(CdmError):
    """Only a running job can be stopped."""

    code, text = "Cdm.0053", "The job is not running."


class SubmissionFailed(CdmError):
    """A job could not be started; the detail says why."""

    code, text = "Cdm.0056", "Failed to submit the job: %s"

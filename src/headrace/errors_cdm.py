"""Errors of the CDM API: their codes are Cdm.xxxx. Source: CDM API reference, "Error Codes"; texts from its samples."""

from __future__ import annotations

from headrace.errors import HeadraceError


class CdmError(HeadraceError):
    """A parameter is invalid."""

    code, text = "Cdm.0014", "The parameter is invalid."


class CdmContentInvalid(CdmError):
    """The content of a job or link is invalid."""

    code, text = "Cdm.0018", "The content of the job or link is invalid."


class ClusterNotFound(CdmError):
    """404: Terraform's delete waits for exactly that."""

    code, status, text = "Cdm.0001", 404, "The resource does not exist or is not visible."


class LinkNameExists(CdmError):
    """Link names are unique in a cluster."""

    code = "Cdm.0315"

    @property
    def message(self) -> str:
        return f"Link name [{self.detail}] already exist or created by other user."


class LinkNotFound(CdmError):
    """No link of that name in the cluster."""

    code = "Cdm.0101"

    @property
    def message(self) -> str:
        return f"Link [{self.detail}] does not exist."


class LinkInUse(CdmError):
    """A job uses the link. The detail is the link's name, then the jobs."""

    code, text = "Cdm.0321", "The link is in use and cannot be deleted:"


class CdmJobNotFound(CdmError):
    """400 with this code: Terraform takes it for "gone"."""

    code = "Cdm.0100"

    @property
    def message(self) -> str:
        return f"Job [{self.detail}] does not exist."


class CdmJobNameExists(CdmError):
    """Job names are unique in a cluster."""

    code = "Cdm.0104"

    @property
    def message(self) -> str:
        return f"Job name [{self.detail}] already exist or created by other user."

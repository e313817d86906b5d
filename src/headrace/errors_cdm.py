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


class CdmConnectorNotFound(CdmError):
    """No connector of this name (and type of database) in this installation. The detail is the name."""

    code, text = "Cdm.0102", "The connector [%s] does not exist."


class CdmDirectionMissing(CdmError):
    """The connector cannot be a source, or cannot be a destination."""

    code, text = "Cdm.0061", "The connector does not support this direction."


class DatabaseUnreachable(CdmError):
    """No connection to a database."""

    code, text = "Cdm.0901", "Failed to connect to the database."


class SqlFailed(CdmError):
    """A database refused a statement."""

    code, text = "Cdm.0902", "Failed to execute the SQL statement."


class TableMissing(CdmError):
    """No such table; the detail is its name."""

    code, text = "Cdm.0900", "The table [%s] does not exist."


class TooManyDirtyRows(CdmError):
    """More rows of a split could not be written than the job allows."""

    code, text = "Cdm.0936", "The number of dirty data records exceeds the maximum."


class ExtractionFailed(CdmError):
    """Reading from the source failed."""

    code, text = "Cdm.0233", "An exception occurred during extraction."


class LoadFailed(CdmError):
    """Writing to the destination failed."""

    code, text = "Cdm.0234", "An exception occurred during loading."


class DriverMissing(CdmError):
    """A driver is not installed; the detail says how to install it."""

    code, text = "Cdm.0012", "The driver does not exist."


class TypeUnsupported(CdmError):
    """A column is of a type that cannot be moved to there."""

    code, text = "Cdm.0921", "The type is not supported."


class StageFailed(CdmError):
    """What was staged could not be moved to the destination."""

    code, text = "Cdm.0928", "Failed to move data from the stage table to the destination table."


class RunStopped(CdmError):
    """Somebody stopped the job; its submission is FAILED with this text. Source: reference on connectors, §11."""

    code, text = "Cdm.0037", "stopped by user"


class BinaryNeedsFiles(CdmError):
    """Files are copied as they are only between systems that have files."""

    code, text = "Cdm.0062", "Binary transfer is supported only between SFTP, FTP, HDFS and OBS."


class LinkDisabled(CdmError):
    """A job of a link that is switched off cannot be started."""

    code, text = "Cdm.0060", "The link is disabled."


class CdmJobDisabled(CdmError):
    """A job that is switched off cannot be started."""

    code, text = "Cdm.0059", "The job is disabled."


class CdmJobRunning(CdmError):
    """A job runs once at a time."""

    code, text = "Cdm.0052", "The job is running."


class ColumnsDiffer(CdmError):
    """What is read has other columns than what is written."""

    code, text = "Cdm.0931", "The number of columns of the source differs from that of the destination."


class FileFormatWrong(CdmError):
    """A file is not what its format says; the detail names the file and what is wrong."""

    code, text = "Cdm.0064", "The data format is incorrect."


class SourcePathMissing(CdmError):
    """No file or folder at a path of the source; the detail is the path."""

    code, text = "Cdm.0420", "The source path [%s] does not exist."


class DuplicateFile(CdmError):
    """A file of the same name and size is there, and the job says to give up then; the detail is its path."""

    code, text = "Cdm.0423", "Duplicate files: [%s]."


class FileCheckFailed(CdmError):
    """A file is not the one its digest was made of."""

    code, text = "Cdm.0242", "Failed to check the file."


class ResourceMissing(CdmError):
    """Something of the catalogue that is not there."""

    code, status, text = "Cdm.0001", 404, "The resource does not exist or is not visible."


class BucketMissing(CdmError):
    """No such bucket; the detail is its name."""

    code, text = "Cdm.0801", "The bucket [%s] does not exist."


class ObsUnreachable(CdmError):
    """An object store does not answer, or refuses the keys."""

    code, text = "Cdm.0800", "Failed to connect to the OBS server."


class FtpUnreachable(CdmError):
    """No connection to an FTP server, or it refuses the user."""

    code, text = "Cdm.0600", "Failed to connect to the FTP server."


class SftpUnreachable(CdmError):
    """No connection to an SFTP server, it refuses the user, or it is not the one it was."""

    code, text = "Cdm.0700", "Failed to connect to the SFTP server."


class HdfsUnreachable(CdmError):
    """No connection to HDFS, or it refuses the user."""

    code, text = "Cdm.0518", "Failed to connect to HDFS."


class FileServerUnreachable(CdmError):
    """A web server or a mounted folder does not answer."""

    code, text = "Cdm.0411", "Failed to connect to the file server."


class PathNotPermitted(CdmError):
    """A path leads where a link may not go; the detail names it."""

    code, text = "Cdm.0250", "The path is not permitted."


class FileNotRead(CdmError):
    """A file is there, but cannot be read or looked at."""

    code, text = "Cdm.0240", "Failed to obtain the file status."


class FileNotWritten(CdmError):
    """A file cannot be made or written."""

    code, text = "Cdm.0244", "Failed to create the file."


class FileNotDeleted(CdmError):
    """A file cannot be deleted."""

    code, text = "Cdm.0245", "Failed to delete the file."


class FileNotRenamed(CdmError):
    """A file cannot be given another path."""

    code, text = "Cdm.0243", "Failed to rename the file."


class RunLost(CdmError):
    """The process that ran a job is gone, and the job cannot be run again with the same result."""

    code, text = "Cdm.0036", "An internal error occurred."


class RedisUnreachable(CdmError):
    """No connection to a Redis server, or it refuses the password."""

    code, text = "Cdm.1201", "Failed to connect to the Redis server."


class RedisReadFailed(CdmError):
    """A Redis server refused to be read."""

    code, text = "Cdm.1203", "Failed to read data from the Redis server."


class RedisColumnsMissing(CdmError):
    """A job on Redis must list its columns."""

    code, text = "Cdm.1208", "columnList must be set."


class RedisKeysMissing(CdmError):
    """A job that writes to Redis must say of which columns keys are made."""

    code, text = "Cdm.1210", "primaryKeyList must be set."


class RedisKeysNotListed(CdmError):
    """A column of the primary key is none of those that are written; the detail names it."""

    code, text = "Cdm.1211", "primaryKeyList must be in columnList."


class RedisAddressMissing(CdmError):
    """A link to Redis names no server."""

    code, text = "Cdm.1213", "The Redis server list must be set."


class MongoUnreachable(CdmError):
    """No connection to a MongoDB server, or it refuses the user."""

    code, text = "Cdm.1301", "Failed to connect to the MongoDB server."


class MongoReadFailed(CdmError):
    """A MongoDB server refused to be read."""

    code, text = "Cdm.1302", "Failed to read data from the MongoDB server."


class MongoAddressMissing(CdmError):
    """A link to MongoDB names no server."""

    code, text = "Cdm.1307", "serverList must be set."


class ElasticsearchUnreachable(CdmError):
    """No connection to an Elasticsearch server, or it refuses the user."""

    code, text = "Cdm.1501", "Failed to connect to the Elasticsearch server."


class ElasticsearchWriteFailed(CdmError):
    """An Elasticsearch server refused to be written."""

    code, text = "Cdm.1502", "Failed to write data to the Elasticsearch server."


class ElasticsearchIndexFailed(CdmError):
    """An index of Elasticsearch is not there, or cannot be made; the detail names it."""

    code, text = "Cdm.1504", "Failed to use the index."


class ElasticsearchHostMissing(CdmError):
    """A link to Elasticsearch names no server."""

    code, text = "Cdm.1508", "host must be set."


class ElasticsearchTypeMissing(CdmError):
    """A column of a job on Elasticsearch has no type; the detail names it."""

    code, text = "Cdm.1513", "columnList must name types."


class ElasticsearchKeyNotListed(CdmError):
    """The primary key is none of the columns that are written; the detail names it."""

    code, text = "Cdm.1514", "columnList must contain primaryKey."


class ElasticsearchReadFailed(CdmError):
    """An Elasticsearch server refused to be read."""

    code, text = "Cdm.1519", "An exception occurred during extraction from Elasticsearch."


class KafkaUnreachable(CdmError):
    """No connection to Kafka, it refuses the user, or it does not give what it was asked for."""

    code, text = "Cdm.1601", "Failed to connect to Kafka."


class HiveUnreachable(CdmError):
    """No connection to HiveServer2, or it refuses the user."""

    code, text = "Cdm.1011", "Failed to connect to Hive."


class HBaseTableMissing(CdmError):
    """No such table of HBase; the detail is its name."""

    code, text = "Cdm.1100", "The table [%s] does not exist."


class HBaseUnreachable(CdmError):
    """No connection to HBase."""

    code, text = "Cdm.1101", "Failed to connect to HBase."


class HBaseTableNotMade(CdmError):
    """HBase refused to make a table; the detail names it."""

    code, text = "Cdm.1102", "Failed to create the table."


class HBaseRowKeyMissing(CdmError):
    """A job that writes to HBase must say of which columns row keys are made."""

    code, text = "Cdm.1103", "The row key must be set."


class HBaseColumnsMissing(CdmError):
    """Nothing says which columns of HBase are meant."""

    code, text = "Cdm.1115", "columns must be set."


class HBaseColumnTwice(CdmError):
    """A column of a job on HBase is listed twice; the detail is its name."""

    code, text = "Cdm.1116", "The column [%s] is duplicate."


class HBaseFamilyMissing(CdmError):
    """A table of HBase has no such column family; the detail names it."""

    code, text = "Cdm.1118", "The column family does not exist."


class HBaseReadFailed(CdmError):
    """HBase refused to be read."""

    code, text = "Cdm.0247", "Failed to operate HBase."


class HBaseLoadFailed(CdmError):
    """HBase refused to be written."""

    code, text = "Cdm.0251", "Failed to load data to HBase."

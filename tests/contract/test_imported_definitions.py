"""How an import writes scripts, resources and connections, on every kind of database."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from headrace.auth.sealing import Sealer
from headrace.domain.identity import Caller, User, Workspace
from headrace.errors import InvalidParameter
from headrace.factory import connections, resources, scripts
from headrace.factory.connection_secrets import unseal_connection
from headrace.objectstore.store import open_store
from headrace.services import Services
from headrace.settings import Settings
from headrace.storage import connections as stored_connections
from headrace.storage import directories
from headrace.storage import resources as stored_resources
from headrace.storage import scripts as stored_scripts
from headrace.storage.database import Connection, Database

CALLER = Caller(
    user=User(id="u", name="ann", project_id="p"), workspace=Workspace(id="w", project_id="p", name="default"), now=7
)


@pytest.fixture
def services(database: Database, tmp_path: Path) -> Services:
    numbers = itertools.count(1)
    return Services(
        settings=Settings(home=tmp_path),
        db=database,
        store=open_store(None, tmp_path, {}),
        sealer=Sealer(b"k" * 32),
        token_key=b"t" * 32,
        now=lambda: 7,
        next_number=lambda: next(numbers),
        next_id=lambda: f"{next(numbers):032x}",
    )


def written(services: Services, write: Any, name: str, text: str, **options: Any) -> None:
    with services.db.writing() as connection:
        write(services, CALLER, connection, name, text, **options)


def script(connection: Connection, name: str) -> stored_scripts.ScriptRecord:
    found = stored_scripts.by_name(connection, "w", name)
    assert found is not None
    return found


def test_import_script__keeps_the_text_and_submits_a_version(services: Services) -> None:
    text = '{\n\t"name":"one",\n\t"type":"Cobol",\n\t"directory":"/d/",\n\t"currentDatabase":"x"\n}'
    written(services, scripts.import_script, "one", text, new=True)
    with services.db.reading() as connection:
        found = script(connection, "one")
        assert (found.document, found.type, found.directory, found.version) == (text, "Cobol", "/d", 1)
        assert stored_scripts.version_document(connection, found.id, 1) == text
        assert [path for _, path in directories.paths(connection, "w", "script")] == ["/d"]
    written(services, scripts.import_script, "one", '{"name":"one","type":"Shell"}', new=False)
    with services.db.reading() as connection:
        again = script(connection, "one")
        assert (again.id, again.version, again.type, again.directory) == (found.id, 2, "Shell", "/")


def test_import_script__saved_only_stays_a_draft(services: Services) -> None:
    written(services, scripts.import_script, "one", '{"type":"Shell"}', new=True, submit=False)
    with services.db.reading() as connection:
        assert script(connection, "one").version == 0


def test_import_resource__is_found_by_name_and_directory(services: Services) -> None:
    name = "a.name-of_more-than-thirty-two.characters"
    text = json.dumps({"name": name, "type": "zip", "directory": "/d/"})
    written(services, resources.import_resource, name, text, new=True)
    changed = json.dumps({"name": name, "type": "jar", "directory": "/d"})
    written(services, resources.import_resource, name, changed, new=False)
    with services.db.reading() as connection:
        rows = stored_resources.by_name(connection, "w", name)
        assert [(row.document, row.type, row.directory) for row in rows] == [(changed, "jar", "/d")]
    elsewhere = json.dumps({"name": name, "type": "jar"})
    written(services, resources.import_resource, name, elsewhere, new=False)
    with services.db.reading() as connection:
        assert [row.directory for row in stored_resources.by_name(connection, "w", name)] == ["/", "/d"]


def test_import_connection__keeps_stored_secrets_and_seals_new_ones(services: Services) -> None:
    first = '{"name":"c","type":"PRESTO","config":{"password":"p-1","ip":"1"}}'
    written(services, connections.import_connection, "c", first, new=True)
    written(services, connections.import_connection, "c", '{"type":"PRESTO","config":{"ip":"2"}}', new=False)
    with services.db.reading() as connection:
        found = stored_connections.by_name(connection, "w", "c")
    assert found is not None
    assert "p-1" not in found.document
    assert unseal_connection(found.document, services.sealer)["config"] == {"ip": "2", "password": "p-1"}


@pytest.mark.parametrize(
    ("write", "text", "told"),
    [
        (scripts.import_script, '{"type":7}', "script 'x': Expected `str | null`, got `int` - at `$.type`."),
        (scripts.import_script, '{"type":"a\\u0000"}', "script 'x': type and directory have at most 1024 characters"),
        (scripts.import_script, '{"type":', "script 'x': Input data was truncated."),
        (resources.import_resource, '{"directory":[]}', "resource 'x': Expected `str | null`, got `array`"),
        (resources.import_resource, json.dumps({"directory": "/a" * 600}), "resource 'x': type and directory have"),
        (connections.import_connection, '{"config":[]}', "connection 'x': Expected `object | null`, got `array`"),
        (connections.import_connection, '{"type":"\\u0000"}', "connection 'x': type and directory have at most 1024"),
    ],
)
def test_import__a_definition_that_cannot_be_stored_is_refused(
    services: Services, write: Any, text: str, told: str
) -> None:
    with pytest.raises(InvalidParameter) as refused:
        written(services, write, "x", text, new=True)
    assert refused.value.detail.startswith(told)


@pytest.mark.parametrize("write", [scripts.import_script, resources.import_resource, connections.import_connection])
def test_import__a_name_that_could_not_be_addressed_is_refused(services: Services, write: Any) -> None:
    with pytest.raises(InvalidParameter, match="the name is invalid"):
        written(services, write, "../x", "{}", new=True)

"""What the last record of an audit log was: without that a log that was shortened looks sound."""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from nanobook_core.contracts import Secret
from nanobook_core.lob.file_layer import FileLayer, write_whole
from nanobook_rebalancer.chain import FIRST_PREV, AuditRecord, canonical
from nanobook_rebalancer.errors import AuditError, InputError
from nanobook_rebalancer.json_document import parse_json
from nanobook_rebalancer.private_file import beside, open_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY_VARIABLE = "NANOBOOK_AUDIT_KEY"

_BYTES = 4096
_FIELDS: dict[str, type] = {"hash": str, "seq": int, "signature": str, "v": int}


def anchor_key(environment: Mapping[str, str] | None = None) -> Secret | None:
    """Return what `NANOBOOK_AUDIT_KEY` in the environment has; None where it is unset or empty."""
    value = (os.environ if environment is None else environment).get(KEY_VARIABLE)
    return Secret(value) if value else None


def write_anchor(
    files: FileLayer, path: Path, records: list[AuditRecord], key: Secret | None
) -> None:
    """Write `<path>.anchor` for the records of an audit log.

    Raises:
        OSError: it cannot be written; an older one is still there.

    """
    last = records[-1].hash if records else FIRST_PREV
    document = {"hash": last, "seq": len(records), "v": 1}
    signed = document | {"signature": _signature(document, key) if key else ""}
    write_whole(files, beside(path, ".anchor"), [canonical(signed) + b"\n"])


def check_anchor(
    path: Path, records: list[AuditRecord], key: Secret | None, *, anchor: Path | None = None
) -> int:
    """Return the number of the record that an anchor names, `<path>.anchor` by default; 0 without.

    Raises:
        AuditError: that record is not there, or is another one; or the anchor is no anchor, or has
            no signature by the key, where there is a key.
        OSError: it cannot be read, or is a symbolic link; or an anchor that was named is missing.

    """
    where = anchor or beside(path, ".anchor")
    try:
        data = _read(where)
    except FileNotFoundError:
        if anchor is not None:
            raise
        return 0
    document = _parsed(where, data)
    signature = document.pop("signature")
    if key is not None and not hmac.compare_digest(
        signature.encode(), _signature(document, key).encode()
    ):
        raise AuditError(str(where), 0, 0, f"it is not signed with the key in {KEY_VARIABLE}")
    seq: int = document["seq"]
    if not 0 <= seq <= len(records):
        raise AuditError(
            str(path),
            0,
            0,
            f"it ends with record {len(records)}, yet {where.name} knows of record {seq}: "
            "what was written is gone",
        )
    if (records[seq - 1].hash if seq else FIRST_PREV) != document["hash"]:
        raise AuditError(str(path), 0, 0, f"record {seq} is another one than {where.name} knows of")
    return seq


def _signature(document: dict[str, Any], key: Secret) -> str:
    return hmac.new(key.reveal().encode(), canonical(document), sha256).hexdigest()


def _read(path: Path) -> bytes:
    files = FileLayer()
    descriptor = open_private(files, path, os.O_RDONLY)
    try:
        return os.read(descriptor, _BYTES + 1)
    finally:
        files.close(descriptor)


def _parsed(path: Path, data: bytes) -> dict[str, Any]:
    try:
        document = parse_json(data, limit=_BYTES, what="anchor")
    except InputError as error:
        raise AuditError(str(path), 0, 0, f"no anchor: {error}") from None
    if (
        not isinstance(document, dict)
        or document.keys() != _FIELDS.keys()
        or any(type(document[name]) is not kind for name, kind in _FIELDS.items())
        or document["v"] != 1
    ):
        raise AuditError(str(path), 0, 0, f"no anchor of version 1: {data!r:.80}")
    return document

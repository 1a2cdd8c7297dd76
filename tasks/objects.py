"""S3 by plain calls, for whatever step: objects listed, read, and kept as they came."""

import datetime as dt
import gzip
import hashlib
import io
import threading
import time
import zlib
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import boto3
from botocore.exceptions import ClientError

from tasks.core.errors import RetryableError, UnreadableRawError
from tasks.core.plan import RawObject
from tasks.core.vacuum import StoredObject
from tasks.retries import code_of

_CONFLICT_DELAYS = (0.1, 0.2, 0.5, 1.0, 2.0)
LEAST_PARQUET_BYTES = 12
_FOOTER_BYTES = 64 * 1024
_MAKING_A_CLIENT = threading.Lock()  # threads that land side by side must not do it at once
_CONTENT_TYPES = {"json": "application/json", "csv": "text/csv"}


def list_etags(bucket: str, prefix: str) -> dict[str, str]:
    """Return `{key: ETag}` of the objects under a prefix."""
    pages = (
        boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    )
    return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", [])}


def read_object(bucket: str, key: str, client: Any = None) -> bytes | None:
    """Return an object's bytes; None where it is not there.

    Threads side by side share a client, since making one is not safe there.
    """
    client = client or boto3.client("s3")
    try:
        return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())
    except client.exceptions.NoSuchKey:
        return None


def read_table(bucket: str, key: str, columns: Sequence[str] | None = None) -> Any:
    """Return a Parquet object as a `pyarrow.Table`; None where it is not there.

    Args:
        bucket: The bucket.
        key: The object.
        columns: Which columns; None for all.

    Raises:
        UnreadableRawError: It is there and is empty, cut or garbage.
    """
    body = read_object(bucket, key)
    return None if body is None else parse_table(bucket, key, body, columns)


def parse_table(bucket: str, key: str, body: bytes, columns: Sequence[str] | None = None) -> Any:
    """Return the bytes of a Parquet object as a `pyarrow.Table`: what `read_table` does to them.

    Raises:
        UnreadableRawError: They are empty, cut or garbage; the message names the object.
    """
    # Imported here: pyarrow takes its time, which steps that read nothing need not wait.
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(body), coerce_int96_timestamp_unit="ms")
        names = file.schema_arrow.names if columns is None else columns
        # One at a time on one thread: all at once hold 70 MB more for a month of quotes, for good.
        parts = {name: file.read([name], use_threads=False) for name in names}
        schema = pa.schema([part.field(name) for name, part in parts.items()])
        table = pa.table([part[name] for name, part in parts.items()], schema=schema)
        table.validate(full=True)
        for column in table.columns:
            if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
                pc.min_max(column).as_py()  # days that Python has not are an OverflowError
    except (pa.ArrowException, OSError, KeyError, ValueError, OverflowError) as error:
        said = " ".join(str(error)[:200].split())
        raise UnreadableRawError(
            bucket, key, f"{len(body)} bytes that cannot be read: {said}"
        ) from error
    return table


def land_bytes(
    bucket: str,
    folder: str,
    body: bytes,
    suffix: Literal["json", "csv"],
    said: Mapping[str, str],
) -> str:
    """Keep an answer or a file byte for byte, compressed, named by its bytes; return its key.

    One PUT: the same bytes with the same words give the same key and the same object.

    Args:
        bucket: The lake's bucket.
        folder: Where to keep it, with a slash at its end.
        body: What came, byte for byte.
        suffix: What the bytes are.
        said: The object's metadata: what was asked, say.
    """
    key = f"{folder}{hashlib.sha256(body).hexdigest()}.{suffix}.gz"
    with _MAKING_A_CLIENT:
        client = boto3.client("s3")
    client.put_object(
        Bucket=bucket,
        Key=key,
        Body=gzip.compress(body, mtime=0),
        ContentType=_CONTENT_TYPES[suffix],
        ContentEncoding="gzip",
        Metadata=dict(said),
    )
    return key


def read_landed(bucket: str, key: str) -> bytes | None:
    """Return what `land_bytes` kept, byte for byte; None where it is gone or damaged."""
    body = read_object(bucket, key)
    try:
        return gzip.decompress(body) if body else None
    except (OSError, EOFError, zlib.error):
        return None


def list_at(bucket: str, prefix: str) -> tuple[list[StoredObject], dt.datetime]:
    """Return the objects under a prefix, in order, and when that was by S3's clock."""
    paginator = boto3.client("s3").get_paginator("list_objects_v2")
    pages = list(paginator.paginate(Bucket=bucket, Prefix=prefix))
    found = [
        StoredObject(item["Key"], item["ETag"], item["Size"], item["LastModified"])
        for page in pages
        for item in page.get("Contents", [])
    ]
    return found, parsedate_to_datetime(pages[0]["ResponseMetadata"]["HTTPHeaders"]["date"])


def list_folders(bucket: str, prefix: str) -> list[str]:
    """Return the names of what a prefix holds one level down."""
    pages = (
        boto3.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
    )
    folders = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])]
    return [folder.removeprefix(prefix).rstrip("/") for folder in folders]


def put_object(bucket: str, key: str, body: bytes) -> None:
    """Write a JSON object. Safe to repeat: the same bytes."""
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


def put_if_absent(bucket: str, key: str, body: bytes) -> bool:
    """Write a JSON object where there is none; return whether it was this call that did.

    A call that S3 has done, and whose answer was lost, is sent again and finds the object there:
    on False, read the object before it is taken for somebody else's.
    """
    client = boto3.client("s3")
    for delay in _CONFLICT_DELAYS:
        try:
            client.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*"
            )
        except ClientError as error:
            if code_of(error) == "PreconditionFailed":
                return False
            if code_of(error) not in ("ConditionalRequestConflict", "OperationAborted"):
                raise
            time.sleep(delay)  # another PUT of it was at work: no answer yet
        else:
            return True
    raise RetryableError(f"S3 did not say whether s3://{bucket}/{key} is there: others write it.")


def read_exactly(bucket: str, raw: RawObject, client: Any = None) -> bytes | None:
    """Return the bytes of an object; None where it is gone, or is no longer the one named."""
    return _read_exactly(bucket, raw, client)


def _read_exactly(bucket: str, raw: RawObject, client: Any, **part: str) -> bytes | None:
    client = client or boto3.client("s3")
    try:
        answer = client.get_object(Bucket=bucket, Key=raw.key, IfMatch=raw.etag, **part)
        return bytes(answer["Body"].read())
    except ClientError as error:
        if _is_gone(error):
            return None
        raise


def has_footer(
    bucket: str,
    raw: RawObject,
    fits: Callable[[Any, bytes], object],
    kept: MutableMapping[str, bytes],
    client: Any = None,
) -> bool:
    """Return whether an object ends as a Parquet file that was written to its end does.

    Args:
        bucket: The bucket.
        raw: The object.
        fits: Whether the file's metadata (`pyarrow.parquet.FileMetaData`, whose row groups nobody
            may ask for: a damaged one ends the process) and footer (for `tasks.core.footer`) are
            what they should be.
        kept: Takes, by its key, an object that is so small that its end is all of it.
        client: As of `read_object`.

    One that is gone or has changed meanwhile counts as such: that is found out later.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if raw.size < LEAST_PARQUET_BYTES:
        return False
    length = min(raw.size, _FOOTER_BYTES)
    place = f"bytes={raw.size - length}-{raw.size - 1}"
    end = _read_exactly(bucket, raw, client, Range=place)
    if end is None:
        return True
    if length == raw.size:
        kept[raw.key] = end
    footer = int.from_bytes(end[-8:-4], "little") + 8
    if end[-4:] != b"PAR1" or footer > raw.size - len(b"PAR1"):  # with which it begins, too
        return False
    if footer > length:
        end = read_exactly(bucket, raw, client)
        if end is None:
            return True
    try:
        metadata = pq.read_metadata(io.BytesIO(b"PAR1" + end[-footer:]))
        return bool(fits(metadata, end[-footer:-8]))
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        return False


def _is_gone(error: ClientError) -> bool:
    """Return whether S3 says that an object is gone, or no longer the one named."""
    return code_of(error) in ("NoSuchKey", "PreconditionFailed")

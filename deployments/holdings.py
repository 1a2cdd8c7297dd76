"""How much the lake's bucket holds, zone by zone."""

from dataclasses import dataclass
from typing import Any

# As data goes through them; what lies elsewhere is shown as well.
ZONES = ("inbox", "landing", "raw", "runs", "refined", "published", "reports")
_OF_TERRAFORM = "jobs"  # the job's script, which goes with its bucket


@dataclass
class Holding:
    """What a zone holds.

    Attributes:
        objects: Objects that are there now.
        bytes: Their size.
        earlier: Earlier versions and marks of deletion, which keep a bucket from being empty too.
    """

    objects: int = 0
    bytes: int = 0
    earlier: int = 0


def find_holdings(bucket: str, s3: Any) -> dict[str, Holding]:
    """Return what each zone of the lake holds; nothing of those that hold nothing.

    Args:
        bucket: The lake's bucket; one that is gone holds nothing.
        s3: Client of S3.
    """
    found: dict[str, Holding] = {}
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for each in page.get("Versions", []) + page.get("DeleteMarkers", []):
                zone = each["Key"].partition("/")[0]
                if zone != _OF_TERRAFORM:
                    _add(found.setdefault(zone, Holding()), each)
    except s3.exceptions.NoSuchBucket:
        return {}
    return {zone: found[zone] for zone in sorted(found, key=_place)}


def _add(holding: Holding, version: dict[str, Any]) -> None:
    if version["IsLatest"] and "Size" in version:
        holding.objects += 1
        holding.bytes += version["Size"]
    else:
        holding.earlier += 1


def _place(zone: str) -> tuple[int, str]:
    return (ZONES.index(zone) if zone in ZONES else len(ZONES), zone)


def describe_holdings(holdings: dict[str, Holding]) -> str:
    """Return the holdings as a table for a person to read."""
    rows = [("zone", "objects", "bytes", "earlier versions")]
    rows += [
        (zone, f"{each.objects:,}", f"{each.bytes:,}", f"{each.earlier:,}")
        for zone, each in holdings.items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        f"  {row[0]:<{widths[0]}}" + "".join(f"  {row[n]:>{widths[n]}}" for n in (1, 2, 3))
        for row in rows
    )

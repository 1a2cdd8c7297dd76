"""The Prefect assets: one a table, whatever bucket it lies in."""

from prefect.assets import Asset, AssetProperties

from tasks.core.dataset import Table


def asset_of(table: Table) -> Asset:
    """Return the asset that stands for a table on the dashboard."""
    return Asset(
        key=f"b3://{table.name}",
        properties=AssetProperties(name=table.name, description=table.description),
    )

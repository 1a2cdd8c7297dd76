import pyarrow as pa
import pytest

from tasks.core.quotes.instruments import instrument_kinds, lots


@pytest.mark.parametrize(
    ("market", "specification", "bdi_code", "kind"),
    [
        ("010", "ON      NM", "02", "share"),
        ("010", "PNA ED", "08", "share"),
        ("010", "PP  C03", "02", "share"),
        ("020", "OP", "96", "share"),
        ("010", "UNT     N2", "02", "unit"),
        ("010", "DRN", "02", "bdr"),
        ("010", "DR3", "35", "bdr"),
        ("010", "CI  ER", "12", "fund"),
        ("020", "CI", "96", "fund"),
        ("010", "TPR", "14", "fund"),
        ("010", "DIR ORD NM", "10", "right"),
        ("010", "DIR", "12", "right"),
        ("020", "BNS ORD NM", "96", "bonus"),
        ("030", "ON", "62", "forward"),
        ("050", "ON", "62", "future"),
        ("060", "ON", "62", "future"),
        ("070", "CI", "78", "call"),
        ("080", "IBO", "75", "put"),
        ("012", "ON", "32", "call_exercise"),
        ("013", "ON", "33", "put_exercise"),
        ("010", "TPR", "02", "other"),
        ("021", "", "", "other"),
    ],
)
def test_a_kind_follows_from_market_specification_and_bdi_code(
    market: str, specification: str, bdi_code: str, kind: str
) -> None:
    columns = (pa.array([value]) for value in (market, specification, bdi_code))
    assert instrument_kinds(*columns).to_pylist() == [kind]


def test_the_lot_follows_from_the_market() -> None:
    markets = pa.array(["010", "020", "030", "017"])
    assert lots(markets).to_pylist() == ["round", "odd", "none", "none"]

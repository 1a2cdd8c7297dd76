import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.settings import Settings, load_settings, lost, subject_of
from tasks.core.dataset import Column, Dataset, Table
from tasks.core.errors import NotConfiguredError
from tasks.core.plan import Subject

COMPLETE = {
    "B3_LAKE_BUCKET": "b3-lake",
    "B3_DATABASE": "b3",
    "B3_GLUE_JOB": "b3-refine",
    "AWS_DEFAULT_REGION": "sa-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}


@pytest.fixture(autouse=True)
def complete_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("B3_", "AWS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)


def test_reads_the_environment_and_knows_b3s_addresses() -> None:
    settings = load_settings()
    assert settings.lake_bucket == "b3-lake"
    assert settings.glue_job == "b3-refine"
    assert settings.index_url == "https://sistemaswebb3-listados.b3.com.br"
    assert settings.quotes_url == "https://bvmf.bmfbovespa.com.br/InstDados/SerHist"


def test_the_addresses_can_be_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("B3_INDEX_URL", "http://127.0.0.1:8313")
    assert load_settings().index_url == "http://127.0.0.1:8313"


def test_b3_is_told_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().user_agent.startswith("b3-pipeline/0.1.0 (python-requests; Python 3.")
    monkeypatch.setenv("B3_USER_AGENT", "Mozilla/5.0 (X11; Linux x86_64)")
    assert load_settings().user_agent == "Mozilla/5.0 (X11; Linux x86_64)"
    monkeypatch.setenv("B3_USER_AGENT", "!~")  # the first and the last that are printed
    assert load_settings().user_agent == "!~"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("b3\r\nX-Injected: 1", r"found '\\r'"),
        ("b3\x1b[2J", r"found '\\x1b'"),
        ("b3\x7f", r"found '\\x7f'"),
        ("робот", r"found '\\u0440'"),
        ("navegação", r"found '\\xe7'"),
        (" b3", "neither begins nor ends with a space"),
        ("b3 ", "neither begins nor ends with a space"),
        ("", "neither begins nor ends with a space; unset it for the default"),
    ],
    ids=["line end", "escape", "delete", "Cyrillic", "accents", "before", "after", "empty"],
)
def test_a_user_agent_that_fits_no_header_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str, said: str
) -> None:
    monkeypatch.setenv("B3_USER_AGENT", value)
    with pytest.raises(NotConfiguredError, match=f"B3_USER_AGENT: .*expected .*{said}"):
        load_settings()


@pytest.mark.parametrize(
    "name", ["B3_LAKE_BUCKET", "B3_DATABASE", "B3_GLUE_JOB", "AWS_DEFAULT_REGION"]
)
def test_a_missing_variable_is_named_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(NotConfiguredError) as error:
        load_settings()
    assert name in str(error.value)
    assert [other for other in COMPLETE if other != name and f"{other}:" in str(error.value)] == []


def test_every_missing_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("B3_DATABASE")
    monkeypatch.delenv("B3_GLUE_JOB")
    with pytest.raises(NotConfiguredError, match=r"(?s)B3_DATABASE: .*B3_GLUE_JOB: "):
        load_settings()


def test_missing_credentials_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NotConfiguredError, match="AWS credentials: none found") as error:
        load_settings()
    assert "AWS_DEFAULT_REGION" not in str(error.value)


def test_a_profile_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nope")
    with pytest.raises(NotConfiguredError, match=r"AWS_PROFILE: .*\(nope\)"):
        load_settings()


def test_the_message_says_where_the_values_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("B3_DATABASE")
    with pytest.raises(NotConfiguredError, match=r"docs/INSTALL\.md.*\.local/env"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("B3_LAKE_BUCKET", "b3"),
        ("B3_DATABASE", "b3-data"),
        ("B3_DATABASE", ""),
        ("B3_GLUE_JOB", ""),
        ("B3_INDEX_URL", "sistemaswebb3-listados.b3.com.br"),
        ("B3_QUOTES_URL", "ftp://b3"),
    ],
)
def test_a_malformed_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(NotConfiguredError, match=f"{name}: "):
        load_settings()


def test_the_shortest_names_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("B3_LAKE_BUCKET", "b3l"), ("B3_DATABASE", "b"), ("B3_GLUE_JOB", "j")):
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (settings.lake_bucket, settings.database, settings.glue_job) == ("b3l", "b", "j")


def test_what_is_lost_is_named_with_where_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(lost(load_settings(), "raw/x.parquet", "landing has none")) == (
        "s3://b3-lake/raw/x.parquet is gone or cannot be read, and is not made again: "
        "landing has none. Restore it from the bucket's versions."
    )


def test_settings_do_not_change_during_a_run() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().database = "other"  # type: ignore[misc]


def test_every_dataset_is_refined_by_the_one_job_in_the_lake_of_the_settings() -> None:
    day = Column("trading_date", "date", "The session.")
    raw = Table("raw_x", "What came.", "one row", ("trading_date",), "raw/x/", (), day)
    dataset = Dataset(
        "x", raw, refined=(), audit=lambda _raw, _refined: [], refine_seconds_a_month=1
    )

    assert subject_of(load_settings(), dataset) == Subject(dataset, "b3-lake", "b3", "b3-refine")


@pytest.mark.parametrize("name", ["B3_INDEX_URL", "B3_QUOTES_URL"])
@pytest.mark.parametrize("scheme", ["https", "ftp"])
def test_a_secret_in_an_address_stands_nowhere(
    monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    monkeypatch.setenv(name, f"{scheme}://user:secret@b3.com.br")
    try:
        said = repr(load_settings())
    except NotConfiguredError as error:
        said = f"{error} {error.__cause__}"
        assert name in said
    assert "secret" not in said

"""Pages of made-up reports: what stands in them, read as a browser reads them."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

import pytest

from tasks.core.errors import InvalidInputError
from tasks.core.session_report.language import LANGUAGES
from tasks.core.session_report.model import Levels, Reconciliation, SessionReport
from tasks.core.session_report.moves import Moves
from tasks.core.session_report.page import render_page
from tests.session_reports import (
    FRIDAY,
    MONDAY,
    PREVIEWED,
    differing,
    first_session,
    session_report,
    with_names,
)

REPORTS = {
    "84 constituents": session_report(84),
    "222 constituents": session_report(222),
    "the first session": first_session(),
    "a level that differs": differing(),
    "a script": with_names("<script>alert(1)</script>", "A&B", "$x$"),
    "three constituents": session_report(3),
}
PORTUGUESE, ENGLISH = LANGUAGES["pt-BR"], LANGUAGES["en"]
LEVELS = "O índice em pontos: implícito (quantidades × fechamentos ÷ redutor) e publicado pela B3"
VOID = {"meta", "link", "br", "path", "circle"}


class Page(HTMLParser):
    """Texts and elements of a page: `tables` by caption, `texts` by the elements around them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(re.sub("</?time[^>]*>", "", source))  # a date is part of its sentence
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self._rows = []
        elif tag in {"caption", "tr"}:
            self._rows.append([])
        elif tag in {"td", "th"}:
            self._rows[-1].append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            (caption,), *rows = self._rows
            self.tables[caption] = rows
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if not text:
            return
        self.texts.append((self._open[-1] if self._open else "", text))
        if "table" in self._open:
            if self._open[-1] == "caption":
                self._rows[-1].append(text)
            elif self._rows[-1]:
                self._rows[-1][-1] += text

    def whole(self) -> str:
        return " ".join(text for where, text in self.texts if where != "style")

    def all_of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@lru_cache(maxsize=32)
def source_of(name: str, language: str = "pt-BR") -> str:
    return render_page(REPORTS[name], language)


def page_of(report: SessionReport, language: str = "pt-BR") -> Page:
    return Page(render_page(report, language))


def values_of(value: Any) -> Iterator[Any]:
    """Every number and date of a report, with the properties that it works out."""
    if is_dataclass(value):
        worked_out = ("weight_change", "quantity_change", "move_pct")
        for name in (*(field.name for field in fields(value)), *worked_out):
            yield from values_of(getattr(value, name, None))
    elif isinstance(value, tuple):
        for each in value:
            yield from values_of(each)
    elif isinstance(value, Decimal | int | dt.date):
        yield value


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("name", REPORTS)
def test_every_number_and_date_of_the_report_stands_in_the_page(name: str, code: str) -> None:
    language = LANGUAGES[code]
    words = {each.strip(".,;:()%") for each in Page(source_of(name, code)).whole().split()}
    missing = set()
    for value in values_of(REPORTS[name]):
        if isinstance(value, dt.datetime):
            written = set(language.time(value).split())
            missing |= written - words
        elif isinstance(value, dt.date):
            missing |= {language.date(value)} - words
        elif not {language.number(value), language.change(value)} & words:
            missing.add(language.number(value))
    assert missing == set()


@pytest.mark.parametrize("name", REPORTS)
def test_ids_are_unique_and_what_is_referred_to_is_there(name: str) -> None:
    page = Page(source_of(name))
    ids = Counter(each["id"] for _, each in page.elements if "id" in each)
    assert [each for each, count in ids.items() if count > 1] == []
    referred = [
        each
        for _, attributes in page.elements
        for each in (attributes.get("aria-labelledby") or "").split()
    ]
    targets = [each["href"] for each in page.all_of("a") if (each["href"] or "").startswith("#")]
    assert targets == ["#content"]
    assert {*referred, "content"} <= ids.keys()


@pytest.mark.parametrize("name", REPORTS)
def test_the_page_asks_for_nothing_and_runs_nothing(name: str) -> None:
    source = source_of(name)
    page = Page(source)
    assert {tag for tag, _ in page.elements} & {"script", "iframe", "img", "object", "use"} == set()
    assert [each["href"] for each in page.all_of("a")] == ["#content", "../2025-08.html"]
    ((icon,),) = [[each["href"] or "" for each in page.all_of("link")]]
    assert icon.startswith("data:image/png;base64,")
    assert re.findall(r"https?:|url\(|@import|\bon\w+=", source) == []
    (policy,) = [each for each in page.all_of("meta") if "http-equiv" in each]
    assert policy == {
        "http-equiv": "Content-Security-Policy",
        "content": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    }


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_page_says_its_language_and_fits_a_phone(code: str) -> None:
    page = Page(source_of("84 constituents", code))
    assert page.all_of("html") == [{"lang": code}]
    metas = {each.get("name"): each["content"] for each in page.all_of("meta") if "name" in each}
    assert metas == {
        "viewport": "width=device-width, initial-scale=1",
        "color-scheme": "light dark",
    }


def test_another_language_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="found 'fr'"):
        render_page(REPORTS["84 constituents"], "fr")


def test_the_same_report_gives_the_same_bytes() -> None:
    assert render_page(session_report(84), "pt-BR") == source_of("84 constituents")


@pytest.mark.parametrize(
    ("name", "most"), [("84 constituents", 150_000), ("222 constituents", 300_000)]
)
@pytest.mark.parametrize("code", LANGUAGES)
def test_a_page_is_small(name: str, most: int, code: str) -> None:
    assert len(source_of(name, code).encode()) <= most


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "A&B", "$x$"])
def test_texts_of_others_come_out_as_texts(text: str) -> None:
    page = Page(source_of("a script"))
    where = {tag for tag, each in page.texts if text[:20] in each}  # a chart shows so many letters
    assert {"th", "td", "text", "desc"} <= where
    assert "script" not in {tag for tag, _ in page.elements}


def test_a_name_in_the_index_code_comes_out_in_the_title() -> None:
    page = page_of(session_report(3, index_code="<i>&"))
    assert ("title", "<i>& em 18/08/2025 · carteira do dia") in page.texts
    assert page.all_of("i") == []


@pytest.mark.parametrize(
    ("code", "head"),
    [("pt-BR", "segunda-feira, 18/08/2025"), ("en", "Monday, 2025-08-18")],
)
def test_the_head_names_index_and_session(code: str, head: str) -> None:
    texts = Page(source_of("84 constituents", code)).texts
    assert texts.index(("h1", "IBOV")) + 1 == texts.index(("span", head))


def head_of(page: Page) -> str:
    return (
        page.whole()
        .partition(" Totais da B3 e auditoria ")[0]
        .partition("segunda-feira, 18/08/2025 ")[2]
    )


def test_a_session_of_which_all_is_there_and_fine_says_so() -> None:
    assert head_of(Page(source_of("84 constituents"))) == (
        "Fechamento, em pontos 132.971,20 ▲ +0,403% desde 15/08/2025 "
        "Implícito pela carteira 132.971,20 ▲ +0,403% desde 15/08/2025 "
        "Entradas 1 PETZ3 desde 15/08/2025 "
        "Saídas 1 STBP3 desde 15/08/2025 "
        "Ativos na carteira 84 "
        "Os 5 maiores 33,977% "
        "✓ Tudo confere : aprovado pela auditoria, com os totais que a B3 informa, e o nível "
        "calculado é o publicado, até o centésimo."
    )


def test_a_session_that_is_not_reconciled_is_fine_so_far() -> None:
    assert head_of(page_of(session_report(3, reconciliation=None, market=None))).endswith(
        "✓ Tudo confere : aprovado pela auditoria e com os totais que a B3 informa; o nível ainda "
        "não foi conciliado."
    )


def test_what_is_not_fine_stands_at_the_head_in_words() -> None:
    page = Page(source_of("a level that differs"))
    assert head_of(page).partition("33,977% ")[2] == (
        "⚠ Atenção Os totais do lake não são os que a B3 informa: redutor. "
        "O nível calculado difere do publicado pela B3: +0,01, em pontos. "
        "1 ativo está sem preço de fechamento neste pregão."
    )
    assert "Tudo confere" not in page.whole()


def test_the_first_session_ever_says_what_is_missing() -> None:
    page = Page(source_of("the first session"))
    assert head_of(page) == (
        "Fechamento, em pontos – a B3 o publica após o pregão "
        "Implícito pela carteira – requer cotações do pregão "
        "Entradas – sem pregão anterior no lake "
        "Saídas – sem pregão anterior no lake "
        "Ativos na carteira 84 "
        "Os 5 maiores 33,977% "
        "⚠ Atenção Os totais informados pela B3 não puderam ser lidos."
    )
    text = page.whole()
    for name in (
        *("no_totals", "no_reconciliation", "no_month_ago", "no_moves", "no_market"),
        *("month_single", "no_rebalancing"),
    ):
        assert PORTUGUESE.text(name) in text
    assert "1 pregão no lake em agosto de 2025." in text
    assert len(page.all_of("svg")) == 2


def test_of_past_portfolios_no_backfill_is_promised() -> None:
    text = Page(source_of("the first session")).whole()
    assert (
        "O lake não tem pregão de um mês antes deste. A B3 não fornece carteiras passadas: só a "
        "importação de um arquivo salvo na época o traria."
    ) in text
    assert (
        "não há anterior com que comparar. A B3 não fornece carteiras passadas: só a importação "
        "de um arquivo salvo na época traria um."
    ) in text


def test_what_is_there_is_not_said_to_be_missing() -> None:
    text = Page(source_of("84 constituents", "en")).whole()
    for name in (
        *("no_totals", "no_reconciliation", "no_month_ago", "no_moves", "no_market"),
        *(
            "month_no_levels",
            "month_single",
            "no_rebalancing",
            "no_weight_moved",
            "no_contributions",
        ),
        *("no_returns",),
    ):
        assert ENGLISH.text(name) not in text
    assert len(Page(source_of("84 constituents")).all_of("svg")) == 6


def test_a_fall_and_no_move_are_told_apart_without_colour() -> None:
    made = REPORTS["84 constituents"]
    assert made.market
    falling = Levels(Decimal("100.00"), Decimal("99.50"))
    level = Levels(Decimal("100.00"), Decimal("100.00"))
    page = page_of(replace(made, market=replace(made.market, implied=falling, published=level)))
    assert (
        "Fechamento, em pontos 100,00 0,000% desde 15/08/2025 "
        "Implícito pela carteira 99,50 ▼ −0,500% desde 15/08/2025 "
    ) in page.whole()


def test_a_level_without_one_before_has_no_move() -> None:
    made = session_report(3, market=None)
    assert (
        "Fechamento, em pontos 132.971,20 variação não conhecida "
        "Implícito pela carteira – requer cotações do pregão "
    ) in page_of(made).whole()


def test_of_many_entries_three_are_named_at_the_head() -> None:
    made = REPORTS["84 constituents"]
    assert made.moves
    (entry,) = made.moves.of_kind("entered")
    entries = tuple(replace(entry, ticker=f"NEWW{number}") for number in range(3, 7))
    for count, told in ((3, "NEWW3, NEWW4, NEWW5 desde"), (4, "NEWW3, NEWW4, NEWW5, … desde")):
        moves = Moves(FRIDAY, entries[:count])
        assert f"Entradas {count} {told} 15/08/2025 Saídas 0 desde 15/08/2025" in (
            page_of(replace(made, moves=moves)).whole()
        )


def test_totals_stand_beside_those_of_b3() -> None:
    made = session_report(3)
    stated = replace(made.held, constituent_count=None, weight_pct=Decimal("99.999"))
    tables = page_of(replace(made, stated=stated)).tables
    quantity = PORTUGUESE.number(made.held.theoretical_quantity)
    assert tables["Totais informados pela B3 e totais do lake"] == [
        ["Total", "Confere?", "B3 informa", "O lake tem"],
        ["Número de ativos", "não informado", "–", "3"],
        ["Quantidade teórica", "igual", quantity, quantity],
        ["Participação (%)", "diferente", "99,999", "100,000"],
        ["Redutor", "igual", "16.036.751,16744128", "16.036.751,16744128"],
    ]


def test_a_total_that_b3_does_not_state_is_no_difference() -> None:
    made = session_report(3)
    page = page_of(replace(made, stated=replace(made.held, constituent_count=None)))
    assert "Tudo confere" in page.whole()


def test_commit_run_and_times_are_told() -> None:
    assert (
        f"{ENGLISH.text('audit')} Commit no. 7 of August 2025 Run 3f9a1c0de5b2 "
        "Published 2025-08-18 22:41 UTC Read from its source 2025-08-18 12:30 UTC "
    ) in Page(source_of("84 constituents", "en")).whole()


def test_concentration_stands_against_a_month_ago_in_points() -> None:
    tables = Page(source_of("84 constituents")).tables
    assert tables["Concentração em 18/08/2025 e em 18/07/2025, um mês antes"] == [
        ["Medida", "18/08/2025", "18/07/2025", "Variação"],
        ["Os 5 maiores (%)", "33,977", "34,845", "−0,868"],
        ["Os 10 maiores (%)", "50,507", "51,985", "−1,478"],
        ["Índice Herfindahl-Hirschman (até 10.000)", "382,228", "393,937", "−11,709"],
        ["Ativos", "84", "83", "+1"],
    ]
    alone = Page(source_of("the first session")).tables
    assert alone["Concentração em 18/08/2025"] == [
        ["Medida", "18/08/2025"],
        ["Os 5 maiores (%)", "33,977"],
        ["Os 10 maiores (%)", "50,507"],
        ["Índice Herfindahl-Hirschman (até 10.000)", "382,228"],
        ["Ativos", "84"],
    ]


def test_the_whole_portfolio_is_a_table() -> None:
    head, *rows = Page(source_of("222 constituents")).tables["Carteira do IBOV em 18/08/2025"]
    assert head == [
        *("Posição", "Código", "Ativo", "Part. (%)", "Qtde. teórica", "Tipo", "Evento", "Setor")
    ]
    assert rows == [
        [
            PORTUGUESE.number(each.weight_rank),
            each.ticker,
            each.asset_name,
            PORTUGUESE.number(each.weight_pct),
            PORTUGUESE.number(each.theoretical_quantity),
            each.share_class,
            each.corporate_event or "–",
            " ".join((each.sector or "–").split()),
        ]
        for each in REPORTS["222 constituents"].constituents
    ]


def test_cumulative_weights_are_a_table_that_ends_with_the_longer_of_two() -> None:
    caption = "Participação e participação acumulada por posição, em %"
    head, *rows = Page(source_of("84 constituents")).tables[caption]
    assert head == [
        "Posição",
        *("Part. em 18/08/2025", "Acum. em 18/08/2025"),
        *("Part. em 18/07/2025", "Acum. em 18/07/2025"),
    ]
    assert len(rows) == 84
    assert rows[0] == ["1", "10,621", "10,621", "10,764", "10,764"]
    assert rows[-1][2:] == ["100,000", "–", "–"]
    assert rows[-2][3:] == [rows[-2][3], "100,000"]


@pytest.mark.parametrize(
    ("caption", "name"),
    [
        (
            "Mudanças de 15/08/2025 a 18/08/2025: participação em %, quantidade em ações",
            "moves",
        ),
        (
            (
                "Da carteira de 18/08/2025 à prévia de 01/08/2025: participação em %, "
                "quantidade em ações"
            ),
            "rebalancing",
        ),
    ],
)
def test_moves_are_a_table(caption: str, name: str) -> None:
    head, *rows = Page(source_of("84 constituents")).tables[caption]
    assert head == [
        *("Código", "Ativo", "Situação", "Part. antes", "Part. depois", "Variação (p.p.)"),
        *("Qtde. antes", "Qtde. depois", "Variação da qtde."),
    ]
    kinds = {"entered": "entra", "left": "sai", "stayed": "permanece"}
    moves = getattr(REPORTS["84 constituents"], name)
    assert [row[:3] for row in rows] == [
        [each.ticker, each.asset_name, kinds[each.kind]] for each in moves.rows
    ]
    assert rows[0][3:] == ["–", "0,052", "+0,052", "–", "297.297.297", "+297.297.297"]
    assert rows[1][3:] == ["0,212", "–", "−0,212", "431.273.811", "–", "−431.273.811"]


def test_entries_exits_and_changed_quantities_are_counted() -> None:
    text = Page(source_of("84 constituents", "en")).whole()
    assert (
        "Since 2025-08-15, the latest earlier session that the lake holds: 1 entry, 1 exit, "
        "1 changed quantity, 74 changed weights. "
    ) in text
    assert (
        "From this session's portfolio to the preview shown on 2025-08-01: 1 entry, 1 exit, "
        "1 changed quantity, 80 changed weights. "
    ) in text


@pytest.mark.parametrize(
    "caption",
    [
        "Entries, exits and changes of quantity since 2025-08-15, in shares",
        "Entries, exits and changes of quantity by the preview of 2025-08-01, in shares",
    ],
)
def test_entries_exits_and_changed_quantities_stand_beside_the_chart(caption: str) -> None:
    assert Page(source_of("84 constituents", "en")).tables[caption] == [
        ["Ticker", "Move", "Quantity before", "Quantity after"],
        ["PETZ3", "enters", "–", "297,297,297"],
        ["STBP3", "leaves", "431,273,811", "–"],
        ["ITUB4", "stays", "4,720,987,655", "4,722,222,222"],
    ]


@pytest.mark.parametrize(("count", "shown", "more"), [(12, 12, 0), (13, 12, 1), (30, 12, 18)])
def test_of_many_entries_and_exits_twelve_stand_beside_the_chart(
    count: int, shown: int, more: int
) -> None:
    made = REPORTS["84 constituents"]
    assert made.rebalancing
    entry, exit_ = made.rebalancing.rows[:2]
    rows = (entry, *(replace(exit_, ticker=f"OLDD{number}") for number in range(count - 1)))
    page = page_of(replace(made, rebalancing=Moves(PREVIEWED, rows)))
    caption = "Entradas, saídas e mudanças de quantidade pela prévia de 01/08/2025, em ações"
    assert [row[0] for row in page.tables[caption]] == [
        *("Código", "PETZ3"),
        *(f"OLDD{number}" for number in range(shown - 1)),
    ]
    assert re.findall(r"Mais (\d+) na tabela completa\.", page.whole()) == [str(more)] * (more > 0)


def test_moves_without_a_change_of_weight_are_told_and_not_drawn() -> None:
    made = REPORTS["84 constituents"]
    assert made.moves
    (other,) = made.moves.changed_quantities
    moves = Moves(FRIDAY, (replace(other, weight_before=other.weight_after),))
    page = page_of(replace(made, moves=moves, rebalancing=moves))
    text = page.whole()
    assert text.count("Nenhuma participação mudou.") == 2
    assert text.count("0 entradas, 0 saídas, 1 quantidade alterada, 0 participações") == 2
    assert len(page.all_of("svg")) == 4


def test_moves_of_weight_alone_have_no_table_of_quantities() -> None:
    made = REPORTS["84 constituents"]
    assert made.moves
    moves = Moves(FRIDAY, made.moves.rows[-1:])
    tables = page_of(replace(made, moves=moves)).tables
    assert sum("mudanças de quantidade desde" in each for each in tables) == 0


def test_no_move_at_all_is_one_sentence() -> None:
    page = page_of(session_report(3, moves=Moves(FRIDAY, ()), rebalancing=Moves(PREVIEWED, ())))
    text = page.whole()
    assert (
        "Nada mudou desde 15/08/2025: nem ativos, nem quantidades, nem participações. "
        "O pregão no mercado"
    ) in text
    assert "A prévia exibida em 01/08/2025 é igual à carteira deste pregão." in text
    assert len(page.all_of("svg")) == 4


def test_levels_stand_beside_each_other() -> None:
    assert Page(source_of("a level that differs")).tables[LEVELS] == [
        ["Fonte", "15/08/2025", "18/08/2025", "Variação (%)"],
        ["Implícito", "132.437,39", "132.971,21", "+0,403"],
        ["Publicado", "132.437,39", "132.971,20", "+0,403"],
        ["Diferença", "0,00", "+0,01", "0,000"],
    ]


def test_a_level_that_is_not_known_is_a_dash() -> None:
    made = REPORTS["84 constituents"]
    assert made.market
    market = replace(made.market, published=Levels(None, None), implied=Levels(None, Decimal(7)))
    tables = page_of(replace(made, market=market)).tables
    assert tables[LEVELS][1:] == [
        ["Implícito", "–", "7", "–"],
        ["Publicado", "–", "–", "–"],
        ["Diferença", "–", "–", "–"],
    ]


def test_without_quotes_of_a_session_before_there_are_closes_and_no_returns() -> None:
    made = REPORTS["84 constituents"]
    assert made.market
    levels = Levels(None, Decimal("132971.20"))
    market = replace(
        made.market, previous_session=None, returns=(), implied=levels, published=levels
    )
    changed = replace(made, market=market)
    page = page_of(changed)
    text = page.whole()
    assert "<div></div>" not in "".join(render_page(changed, "pt-BR").split())  # no empty column
    assert PORTUGUESE.text("market_alone", quoted="84", all="84") in text
    assert "Fechamento, em pontos 132.971,20 variação não conhecida Implícito" in text
    assert PORTUGUESE.text("no_returns") not in text
    assert PORTUGUESE.text("no_contributions") not in text
    assert page.tables[LEVELS] == [
        ["Fonte", "Pregão anterior", "18/08/2025", "Variação (%)"],
        ["Implícito", "–", "132.971,20", "–"],
        ["Publicado", "–", "132.971,20", "–"],
        ["Diferença", "–", "0,00", "–"],
    ]
    assert len(page.all_of("svg")) == 5


def test_a_date_is_an_element_that_no_line_breaks() -> None:
    source = source_of("84 constituents")
    assert 'desde <time datetime="2025-08-15">15/08/2025</time>' in source
    assert "time { white-space: nowrap; }" in source


def test_returns_are_a_table_in_the_order_of_contribution() -> None:
    caption = "Returns from 2025-08-15 to 2025-08-18: prices in reais, as traded"
    head, *rows = Page(source_of("222 constituents", "en")).tables[caption]
    assert head == [
        *("Ticker", "Event", "Weight (%)", "Previous close", "Close", "Return (%)"),
        "Contribution (pp)",
    ]
    market = REPORTS["222 constituents"].market
    assert market
    assert rows == [
        [
            each.ticker,
            each.corporate_event or "–",
            ENGLISH.number(each.weight_pct),
            ENGLISH.number(each.previous_close_price),
            ENGLISH.number(each.close_price),
            ENGLISH.change(each.return_pct),
            ENGLISH.change(each.contribution_pp),
        ]
        for each in market.returns
    ]


def test_a_session_without_returns_or_contributions_says_so() -> None:
    made = REPORTS["84 constituents"]
    assert made.market
    zeros = tuple(replace(each, contribution_pp=Decimal("0.0000")) for each in made.market.returns)
    for returns, name, tables in ((zeros, "no_contributions", 1), ((), "no_returns", 0)):
        page = page_of(replace(made, market=replace(made.market, returns=returns)))
        assert PORTUGUESE.text(name) in page.whole()
        assert len(page.all_of("svg")) == 5
        assert sum("Retornos de" in each for each in page.tables) == tables


def test_the_month_is_a_table_up_to_the_session() -> None:
    tables = Page(source_of("84 constituents")).tables
    head, *rows = tables["IBOV por pregão, em agosto de 2025"]
    assert head == ["Pregão", "Fechamento (pontos)", "Os 5 maiores (%)", "Ativos", "Redutor"]
    assert [row[0] for row in rows] == [
        PORTUGUESE.date(each.trading_date) for each in REPORTS["84 constituents"].month
    ]
    assert rows[-1][0] == PORTUGUESE.date(MONDAY)
    assert rows[-1][1] == "132.971,20"


@pytest.mark.parametrize("name", REPORTS)
def test_every_table_has_a_caption_and_headers_and_can_be_scrolled(name: str) -> None:
    page = Page(source_of(name))
    regions = [each for each in page.all_of("div") if each.get("role") == "region"]
    assert [each["aria-label"] for each in regions] == list(page.tables)
    assert {each["tabindex"] for each in regions} == {"0"}
    for rows in page.tables.values():
        assert len({len(row) for row in rows}) == 1
    assert {each.get("scope") for each in page.all_of("th")} == {"col", "row"}


@pytest.mark.parametrize("name", REPORTS)
def test_every_drawing_has_a_title_and_a_description(name: str) -> None:
    page = Page(source_of(name))
    for each in page.all_of("svg"):
        assert each["role"] == "img"
        title, description = (each["aria-labelledby"] or "").split()
        assert {"id": title} in page.all_of("title")
        assert {"id": description} in page.all_of("desc")
    texts = Counter(tag for tag, _ in page.texts)
    assert texts["title"] == 1 + len(page.all_of("svg"))


def test_what_the_figures_are_stands_at_the_end() -> None:
    text = Page(source_of("84 constituents", "en")).whole().partition("What these figures are")[2]
    for name in (
        *("note_weights", "note_quantities", "note_prices", "note_contributions"),
        *("note_dashes", "note_source"),
    ):
        assert ENGLISH.text(name) in text
    assert text.endswith("All reports of August 2025")


def test_a_reconciliation_is_told_to_the_cent() -> None:
    found = Reconciliation("incomplete", None, Decimal("132971.20"), None, "no quotes", 0)
    text = page_of(session_report(3, reconciliation=found)).whole()
    assert "Incompleta: não há cotações do pregão. Nível calculado: desconhecido;" in text
    assert "A conciliação do nível está incompleta: não há cotações do pregão." in text

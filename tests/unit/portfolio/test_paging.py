from typing import Any

import pytest

from tasks.core.errors import RetryableError
from tasks.core.portfolio.pages import Page, read_page
from tasks.core.portfolio.paging import check_same_portfolio
from tests.portfolios import BPAC11, PETR4, VALE3, answer, to_bytes


def page(number: int, **changes: Any) -> Page:
    rows = [VALE3, PETR4, BPAC11][number - 1 : number]
    return read_page(to_bytes(answer(**{"rows": rows, "page": (number, 3)} | changes)), "ITAG")


def with_total(page: Page, total: int) -> Page:
    return page.model_copy(update={"page": page.page.model_copy(update={"totalRecords": total})})


def test_the_pages_of_one_portfolio_go_together() -> None:
    check_same_portfolio([page(1), page(2), page(3)])
    check_same_portfolio([page(1)])


def test_what_a_header_says_is_told_in_few_words() -> None:
    with pytest.raises(RetryableError) as error:
        check_same_portfolio([page(1), page(2, date="\n" * 1_000_000)])
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        pytest.param(
            [page(1), page(2, date="04/08/25")],
            "expected '01/08/25' with 3 records, found '04/08/25' with 3",
            id="b3-rolled-over",
        ),
        pytest.param(
            [page(1), page(2), page(3, reductor="1,00000000")],
            "Page 3 is of another portfolio than page 1",
            id="another-divisor",
        ),
        pytest.param(
            [page(1), with_total(page(2), 4)], "with 3 records, found .* with 4", id="other-total"
        ),
        pytest.param(
            [page(1), page(2, rows=[VALE3])], "Expected page 2, found page 2", id="repeated-rows"
        ),
        pytest.param(
            [page(1), page(2), page(3, rows=[VALE3])], "Expected page 3", id="rows-of-page-one"
        ),
        pytest.param([page(1), page(1)], "Expected page 2, found page 1", id="repeated-page"),
        pytest.param([page(1), page(3)], "Expected page 2, found page 3", id="skipped-page"),
    ],
)
def test_pages_that_do_not_go_together_are_all_fetched_again(pages: list[Page], said: str) -> None:
    with pytest.raises(RetryableError, match=said) as error:
        check_same_portfolio(pages)
    assert "etch all pages again" in str(error.value)

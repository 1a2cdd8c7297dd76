"""What the statements make of a small and varied lake, as tables that were written down by hand."""

import pytest

from tasks.core.dataset import Dataset
from tasks.core.datasets import DATASETS
from tests.standin.glue import Jobs
from tests.standin.lake import check_golden, execute, golden_objects, put_plan, put_raw

by_dataset = pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)


@by_dataset
def test_the_statements_make_the_golden_tables(dataset: Dataset, jobs: Jobs) -> None:
    put_raw(dataset.raw, golden_objects(dataset.raw))
    check_golden(dataset, execute(put_plan(dataset)))

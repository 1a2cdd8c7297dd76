"""The datasets of the lake, and with them all of its tables.

The Glue Data Catalog, the data dictionary, the infrastructure and the vacuum take them from here.
"""

from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.portfolio import PORTFOLIO
from tasks.core.quotes import QUOTES
from tasks.core.reconciliation import RECONCILIATION

DATASETS = (PORTFOLIO, QUOTES, RECONCILIATION)
# The levels are read straight from raw: nothing is refined of them.
TABLES = (*(table for dataset in DATASETS for table in dataset.tables), INDEX_LEVELS)

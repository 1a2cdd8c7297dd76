"""The datasets of the lake, and with them all of its tables.

The Glue Data Catalog, the data dictionary and the infrastructure take their tables from here.
"""

from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.portfolio.tables import PORTFOLIO_TABLES
from tasks.core.quotes.tables import QUOTES_TABLES

TABLES = (*PORTFOLIO_TABLES, *QUOTES_TABLES, INDEX_LEVELS)

import json

from tasks.core.loaded_quotes import NOTHING_LOADED, LoadedQuotes
from tests.portfolios import FRIDAY, THURSDAY


def test_a_note_survives_writing_and_reading() -> None:
    note = LoadedQuotes('"abc"', "f" * 64, (THURSDAY, FRIDAY), 490)
    for each in (note, NOTHING_LOADED):
        assert LoadedQuotes.from_json(json.dumps(each.to_dict()).encode()) == each

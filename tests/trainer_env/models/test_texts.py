"""Texts of the embedded default: distinct, the same for the same seed, and of one mix in every list."""

import re

from models.tiny_mandarin.texts import WEATHER, sample_texts

SMALL = {
    "weather": re.compile(f"({'|'.join(WEATHER)})$"),
    "age": re.compile("岁了$"),
    "shopping": re.compile("想买"),
    "date": re.compile("^(今天|明天|后天)是"),
    "minutes": re.compile("分钟$"),
}
COUNTS = [600, 600, 8000, 6000]


def test_no_text_is_in_two_lists_and_the_seed_decides():
    lists = sample_texts(COUNTS, 0)
    assert [len(texts) for texts in lists] == COUNTS
    assert len({text for texts in lists for text in texts}) == sum(COUNTS)
    assert sample_texts(COUNTS, 0) == lists != sample_texts(COUNTS, 1)


def test_every_list_has_the_same_share_of_each_small_template():
    test, _, _, train = sample_texts(COUNTS, 0)
    for name, pattern in SMALL.items():
        shares = [sum(bool(pattern.search(text)) for text in texts) / len(texts) for texts in (test, train)]
        # Drawn one list after another, dates were 10 % of the first and 4.5 % of the last, weather 11.7 % and 0.5 %.
        assert abs(shares[0] - shares[1]) < 0.035, (name, shares)
        assert shares[1] > 0.02, (name, shares)

"""The reward that tests change: toneless pinyin error alone, with token-level credit."""

CONFIG = {
    "terms": {"pinyin": {"weight": 1.0, "tones": False, "shaping": "tanh(3)"}},
    "aggregation": {"name": "weighted_sum"},
    "error": {"unit": "pinyin", "tones": False},
    "token_credit": {"lead_tokens": 0},
    "logged": [],
}

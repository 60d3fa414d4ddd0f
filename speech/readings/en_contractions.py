"""English contractions, each with what it is short for."""

_PRONOUNS = [
    "you",
    "we",
    "they",
    "he",
    "she",
    "it",
    "that",
    "there",
    "who",
    "what",
    "where",
    "when",
    "how",
    "this",
    "here",
    "why",
]
_NEGATED = [
    "is",
    "are",
    "was",
    "were",
    "do",
    "does",
    "did",
    "has",
    "have",
    "had",
    "would",
    "could",
    "should",
    "must",
    "need",
    "might",
    "ought",
    "dare",
    "may",
]
_ENDINGS = {"'s": ("is", "has"), "'ll": ("will", "shall"), "'d": ("had", "would"), "'re": ("are",), "'ve": ("have",)}


def contractions() -> dict[str, tuple[str, ...]]:
    """it's -> it is, it has.

    >>> contractions()["isn't"]
    ('is not',)
    """
    made = {f"{word}n't": (f"{word} not",) for word in _NEGATED}
    for word in [*_PRONOUNS, "i"]:
        for ending, full in _ENDINGS.items():
            made[f"{word}{ending}"] = tuple(f"{word} {verb}" for verb in full)
    for word in ["would", "could", "should", "might", "must"]:
        made[f"{word}'ve"] = (f"{word} have",)
    for word in [*_PRONOUNS, "i"]:
        made[f"{word}'d've"] = (f"{word} would have",)
    for word in ["would", "could", "should", "might"]:
        made[f"{word}n't've"] = (f"{word} not have",)
    for word in ["where", "how", "why", "who", "what", "when"]:
        made[f"{word}'d"] += (f"{word} did",)
    del made["i's"], made["i're"]
    return made | {"i'm": ("i am",)}

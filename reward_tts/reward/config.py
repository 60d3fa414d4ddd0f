"""recipe.reward, checked: what it may say, and where it says something else.

terms:                                 # each with its weight; null leaves one out
  pinyin: {weight: 1.0, tones: false, shaping: tanh(3)}      # of terms.TERMS, with their parameters
  similarity: {weight: 0.5}
  mine: {weight: 0.1, _target_: my_recipe.terms.brightness}  # of one's own: docs/new_scorer.md
aggregation: {name: gate, full_until: 0.10, none_from: 0.30}     # or weighted_sum, weighted_harmonic_mean, separate
error: {unit: pinyin, tones: false}    # the error that is logged, that a gate looks at, that token credit blames
token_credit: {lead_tokens: 3}         # or null
logged: [log_f0_std, confidence]       # measures of the server's scorers and ASR to be logged beside the terms
token_ear: {audit: 0.1, unsure: 0.95, limit: 0.1, window: 4000, level: 0.95}     # or null: every row by wave
# and, of rows that are read: {most_tokens: 8.0, assumed: {silence_ratio: 0.0}}
# and, to learn from rows that are heard: {distil: {every: 256, steps: 8, rate: 1.0e-4}}
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from hydra.utils import get_object
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, create_model, field_validator

from reward_tts.reward.errors import UNITS
from reward_tts.reward.terms import TERMS, Term, misfit
from speech.faults import UserError

Number = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Weight = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class RewardConfigError(UserError):
    """recipe.reward cannot be used; `faults` are (dotted key, reason) of all that is wrong, `key` is the first key."""

    def __init__(self, *faults: tuple[str, str]):
        self.faults = [(f"recipe.reward.{key}".rstrip("."), reason) for key, reason in faults]
        super().__init__("; ".join(f"{key}: {reason}" for key, reason in self.faults))
        self.key = self.faults[0][0]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class _Sum(_Strict):
    name: Literal["weighted_sum"]


class _HarmonicMean(_Strict):
    name: Literal["weighted_harmonic_mean"]


class _Separate(_Strict):
    name: Literal["separate"]


class _Gate(_Strict):
    name: Literal["gate"]
    full_until: Number
    none_from: Number

    @field_validator("none_from")
    @classmethod
    def _above(cls, value: float, info: ValidationInfo) -> float:
        if value <= info.data.get("full_until", 0.0):
            raise ValueError("is more than full_until")
        return value


class _Error(_Strict):
    unit: Literal[UNITS]
    tones: bool = False


class _TokenCredit(_Strict):
    lead_tokens: Annotated[int, Field(ge=0)]
    by: Literal["edits", "alignment"] = "edits"  # with what was heard; of the token ear with the text


Probability = Annotated[float, Field(gt=0.0, lt=1.0)]


class Distil(_Strict):
    """recipe.reward.token_ear.distil, see reward_tts/server/distil.py."""

    every: Annotated[int, Field(ge=1)]
    steps: Annotated[int, Field(ge=1)]
    rate: Weight
    batch_size: Annotated[int, Field(ge=2)] = 32
    remember: Annotated[int, Field(ge=1)] = 4000
    held_back: Annotated[int, Field(ge=2)] = 256


class _TokenEar(_Strict):
    audit: Probability
    unsure: Annotated[float, Field(ge=0.0, le=1.0)]
    limit: Weight
    window: Annotated[int, Field(ge=2)] = 4000
    level: Probability = 0.95
    most_tokens: Weight | None = None
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    assumed: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(default_factory=dict)
    distil: Distil | None = None


class RewardConfig(_Strict):
    """recipe.reward, its types checked; `terms` has the terms that are not null, in their order."""

    terms: Any
    aggregation: Annotated[_Sum | _HarmonicMean | _Gate | _Separate, Field(discriminator="name")]
    error: _Error
    token_credit: _TokenCredit | None
    logged: list[str]
    token_ear: _TokenEar | None = None


def read(config: Mapping[str, Any]) -> tuple[RewardConfig, dict[str, tuple[float, Term, dict[str, Any]]]]:
    """(recipe.reward, {term: (weight, its Term, its parameters)}), without any server.

    Raises:
        RewardConfigError: a key too many or missing; an unknown term, parameter, shaping, unit or aggregation; a weight
            that is not positive, or a bound with which the term could not be computed.
    """
    given = config.get("terms")
    given = {name: one for name, one in given.items() if one is not None} if isinstance(given, Mapping) else given
    known = {name: _term(name, one) for name, one in (given or {}).items() if _is_known(name, one)}
    models = {name: (_parameters(make, is_own), ...) for name, (make, is_own) in known.items()}
    whole = create_model(
        "Reward", __base__=RewardConfig, terms=(create_model("Terms", __base__=_Strict, **models), ...)
    )
    try:
        checked = whole.model_validate({**config, "terms": given})
    except ValidationError as error:
        raise RewardConfigError(*(_fault(found, config) for found in error.errors())) from None
    if not known:
        raise RewardConfigError(("terms", f"names no term; there are {sorted(TERMS)}"))
    terms = {}
    for name, (make, is_own) in known.items():
        parameters = getattr(checked.terms, name).model_dump(exclude={"weight", "target"})
        term = _own(name, make, parameters) if is_own else TERMS[name]
        terms[name] = getattr(checked.terms, name).weight, term, {} if is_own else parameters
    _check_together(checked, terms)
    return checked, terms


def needs_of(name: str, term: Any) -> tuple[str, ...]:
    """Measures of a wave that a term of recipe.reward.terms needs; none of a name with a bare weight that is no term of
    ours, since it does not say what it is made of."""
    if not _is_known(name, term):
        return ()
    make, is_own = _term(name, term)
    if not is_own:
        return TERMS[name].needs
    return _own(name, make, {key: term[key] for key in term if key not in ("weight", "_target_")}).needs


def _is_known(name: str, one: Any) -> bool:
    return name in TERMS or (isinstance(one, Mapping) and "_target_" in one)


def _term(name: str, one: Mapping[str, Any]) -> tuple[Callable[..., Any], bool]:
    """What has the term's parameters in its signature, and whether it is one's own, which makes a Term of them."""
    if not isinstance(one, Mapping) or "_target_" not in one:
        return TERMS[name].value, False
    try:
        made = get_object(one["_target_"])
        inspect.signature(made)
        return made, True
    except Exception as error:
        raise RewardConfigError(
            (f"terms.{name}._target_", f"cannot be imported: {str(error).splitlines()[0]}")
        ) from None


def _own(name: str, make: Callable[..., Term], parameters: Mapping[str, Any]) -> Term:
    term = make(**parameters)
    if not isinstance(term, Term):
        raise RewardConfigError((f"terms.{name}._target_", f"gives a reward_tts.reward.terms.Term, got {term!r}"))
    return term


def _parameters(make: Callable[..., Any], is_own: bool) -> type[BaseModel]:
    """A term's keys: `weight`, and the keyword parameters of its formula, or all of what makes one's own. Those that
    are annotated as float or int are not negative, others are as their annotation says."""
    fields: dict[str, Any] = {"weight": (Weight, ...), "target": (str | None, Field(None, alias="_target_"))}
    for name, parameter in inspect.signature(make, eval_str=True).parameters.items():
        if is_own or parameter.kind is parameter.KEYWORD_ONLY:
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[name] = (_checked(parameter.annotation), default)
    return create_model("Term", __base__=_Strict, **fields)


def _checked(annotation: Any) -> Any:
    whole = Annotated[int, Field(ge=0)]
    numbers = {float: Number, int: whole, float | None: Number | None, int | None: whole | None}
    return Any if annotation is inspect.Parameter.empty else numbers.get(annotation, annotation)


def _fault(found: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[str, str]:
    """(dotted key below recipe.reward, reason) of one of pydantic's errors."""
    parts = [str(part) for part in found["loc"]]
    if parts[0] == "aggregation" and len(parts) > 1:
        del parts[1]  # pydantic's name of the kind of aggregation
    kind, key = found["type"], ".".join(parts)
    if kind == "missing":
        return ".".join(parts[:-1]), f"lacks {parts[-1]}"
    if kind == "extra_forbidden" and parts[0] == "terms" and len(parts) == 2:
        return key, f"no such term; there are {sorted(TERMS)}"
    if kind == "extra_forbidden":
        return key, f"no such key; there are {_keys_beside(parts, config)}"
    if kind == "union_tag_invalid":
        return f"{key}.name", f"is one of {found['ctx']['expected_tags']}, got {found['ctx']['tag']!r}"
    return key, f"{found['msg'].removeprefix('Value error, ')}, got {found['input']!r}"


def _keys_beside(parts: list[str], config: Mapping[str, Any]) -> list[str]:
    if len(parts) == 1:
        return list(RewardConfig.model_fields)
    if parts[0] == "terms":
        made = _parameters(*_term(parts[1], config["terms"][parts[1]]))
        return [name for name in made.model_fields if name != "target"]
    if parts[:2] == ["token_ear", "distil"] and len(parts) > 2:
        return list(Distil.model_fields)
    kinds = {"error": _Error, "token_credit": _TokenCredit, "token_ear": _TokenEar}
    gate = (config.get("aggregation") or {}).get("name") == "gate"
    return list(kinds.get(parts[0], _Gate if gate else _Sum).model_fields)


def _check_together(checked: RewardConfig, terms: Mapping[str, tuple[float, Term, dict[str, Any]]]) -> None:
    """What no single key says."""
    if checked.token_ear and checked.token_ear.assumed and checked.token_ear.most_tokens is None:
        raise RewardConfigError(("token_ear.assumed", "and most_tokens: what is slow or silent has to be heard"))
    if checked.token_ear and checked.token_ear.distil and checked.token_credit and checked.token_credit.by != "edits":
        raise RewardConfigError(("token_credit.by", "and recipe.reward.token_ear.distil: one of them, not both"))
    for name, (_, term, parameters) in terms.items():
        if checked.aggregation.name == "weighted_harmonic_mean" and term.lowest < 0:
            raise RewardConfigError((f"terms.{name}", "may be negative: it has no harmonic mean"))
        if checked.token_ear and checked.token_ear.distil and name == "token_likelihood":
            raise RewardConfigError((f"terms.{name}", "and recipe.reward.token_ear.distil: one of them, not both"))
        without_wave = {"token_nll", *(checked.token_ear.assumed if checked.token_ear else ())}
        needs = [need for need in term.needs if need not in without_wave]
        if checked.token_ear and (needs or term.highest is None):
            what = f"needs {needs} of a wave" if needs else "has no highest value"
            reason = f"{what}, and the token ear reads rows without one; recipe.reward.token_ear=null hears every row"
            raise RewardConfigError((f"terms.{name}", reason))
        if parameters and (why := misfit(name, parameters)):
            raise RewardConfigError((f"terms.{name}", why))

"""Names in emitted source: only literals and checked identifiers are ever pasted."""

from __future__ import annotations

import builtins
import keyword
import re
from typing import Any

from resdsl.ops.base import one
from resdsl.ops.helpers import HELPERS

_OF_MODULES = """T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda
double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule
half ipu load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters
register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to
to_empty train training type xpu zero_grad"""
_OF_CONTAINERS = """append clear copy extend fromkeys get has_empty_dict insert items keys pop popitem
setdefault update values"""

MODULE_ATTRIBUTES = frozenset(_OF_MODULES.split())
"""What `nn.Module` itself has: a layer of this name cannot be an attribute."""

CONTAINER_ATTRIBUTES = frozenset(_OF_CONTAINERS.split())
"""What `nn.Sequential` and `nn.ModuleDict` have on top."""

_IMPORTED = ("F", "Callable", "OrderedDict", "Tensor", "initialised", "nn", "partial", "torch", *HELPERS)
_AMBIGUOUS = ("I", "O", "i", "l", "m")
_TAKEN = frozenset({*keyword.kwlist, *dir(builtins), *_IMPORTED, *_AMBIGUOUS})
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


class Word(str):
    """A dotted name that stands in source as it is: `nn.ReLU`."""

    def __repr__(self) -> str:
        assert _DOTTED.fullmatch(self), self
        return str(self)


def literal(value: Any) -> str:
    """A Python literal, in ASCII."""
    if isinstance(value, Word):
        return repr(value)
    if isinstance(value, str):
        return '"' + ascii(value)[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    assert isinstance(value, tuple | list), f"no literal: {value!r}"
    inner = ", ".join(map(literal, value))
    return f"({inner},)" if len(value) == 1 else f"({inner})"


def plain(value: Any) -> Any:
    """A compile-time value of the language as a literal: a size `3x3` as 3; None where there is none."""
    if isinstance(value, tuple):
        value = tuple(value)
        return one(value) if value and all(isinstance(v, int | float | str) for v in value) else None
    return value if isinstance(value, bool | int | float | str) else None


def is_attribute(name: str) -> bool:
    """Whether `self.name = module` works and keeps the key."""
    usual = _WORD.fullmatch(name) is not None and not keyword.iskeyword(name)
    return usual and not name.startswith("_") and name not in MODULE_ATTRIBUTES


def fits_container(name: str) -> bool:
    """Whether a container takes it as a key."""
    return not name.startswith("_") and name not in MODULE_ATTRIBUTES | CONTAINER_ATTRIBUTES


def identifier(name: str) -> str:
    """A name for a variable or parameter that shadows nothing."""
    word = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "value"
    word = f"v{word}" if word[0].isdigit() else word
    return f"{word}_" if word in _TAKEN or word == "self" else word


def class_name(name: str) -> str:
    """`wide_resnet50_2` as `WideResNet50_2`."""
    words = [w for w in re.split(r"[^A-Za-z0-9]+", name) if w] or ["Block"]
    words = [re.sub(r"(?<=[a-z])(net|next)(?![a-z])", _net, w) for w in words]
    made = "".join(w if w[0].isupper() else w[0].upper() + w[1:] for w in words[:1])
    for word in words[1:]:
        between = "_" if made[-1].isdigit() and word[0].isdigit() else ""
        made += between + word[0].upper() + word[1:]
    made = f"Net{made}" if made[0].isdigit() else made
    return f"{made}Block" if made in _TAKEN else made


def _net(match: re.Match[str]) -> str:
    return {"net": "Net", "next": "NeXt"}[match[1]]


def unused(name: str, taken: set[str]) -> str:
    """The name, with a number where it is taken; it is then taken."""
    made, number = name, 2
    while made in taken:
        made, number = f"{name}{'_' if name[-1].isdigit() else ''}{number}", number + 1
    taken.add(made)
    return made


def docstring(text: str) -> str:
    """Text as it may stand inside a docstring."""
    clean = re.sub(r"\s+", " ", text).replace("\\", "\\\\").replace('"""', "'''").strip()
    clean = clean.encode("ascii", "backslashreplace").decode() if not clean.isprintable() else clean
    return clean + " " if clean.endswith('"') else clean

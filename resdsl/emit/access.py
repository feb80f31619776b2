"""Layer addresses in a class: how they are created, and how they are reached."""

from __future__ import annotations

from resdsl.emit.names import fits_container, is_attribute, literal


class Addresses:
    """The addresses of one class.

    A plain one is an attribute: `self.conv1`. Dotted ones share a container: `self.blocks[0]`. One that
    cannot be an attribute is added by name, so that its key in the state_dict is exact.
    """

    def __init__(self, modules: list[str], tensors: dict[str, bool]) -> None:
        self.tensors = tensors
        self.groups: dict[str, list[str]] = {}
        for address in modules:
            if address:
                self.groups.setdefault(address.split(".")[0], []).append(address)
        self.reserved = frozenset(self.groups)

    def create(self, terms: dict[str, str]) -> list[str]:
        """The statements that create all, in order, from the expressions by address."""
        lines = []
        for top, members in self.groups.items():
            if members == [top]:
                lines.append(self._store(top, terms[top]))
            else:
                lines.append(self._store(top, _container(_tree(members), terms)))
        return lines

    def _store(self, name: str, text: str) -> str:
        if name in self.tensors:
            return self._store_tensor(name, text)
        if is_attribute(name):
            return f"self.{name} = {text}"
        if _addable(name):
            return f"self.add_module({literal(name)}, {text})"
        return f"self._modules[{literal(name)}] = {text}"

    def _store_tensor(self, name: str, text: str) -> str:
        trained = self.tensors[name]
        text = f"nn.Parameter({text})" if trained else text
        if not fits_container(name):
            return f"self.{'_parameters' if trained else '_buffers'}[{literal(name)}] = {text}"
        if not trained:
            return f"self.register_buffer({literal(name)}, {text})"
        if is_attribute(name):
            return f"self.{name} = {text}"
        return f"self.register_parameter({literal(name)}, {text})"

    def access(self, address: str) -> str:
        """An expression for the layer or tensor."""
        top, *rest = address.split(".")
        if self.groups.get(top) == [top]:
            return self._reach(top)
        text, members = self._reach(top), _tree(self.groups[top])[top]
        for part in rest:
            assert members is not None
            text += f"[{part if _is_list(members) else literal(part)}]"
            members = members[part]
        return text

    def _reach(self, name: str) -> str:
        if is_attribute(name):
            return f"self.{name}"
        if _addable(name):
            return f"getattr(self, {literal(name)})"
        kind = {None: "_modules", True: "_parameters", False: "_buffers"}[self.tensors.get(name)]
        return f"self.{kind}[{literal(name)}]"


Tree = dict[str, "Tree | None"]


def _addable(name: str) -> bool:
    """Whether `add_module` takes it."""
    return is_attribute(name) or (fits_container(name) and name != "")


def _tree(addresses: list[str]) -> Tree:
    """Dotted addresses as nested dicts; None at the ends."""
    root: Tree = {}
    for address in addresses:
        level = root
        *path, last = address.split(".")
        for part in path:
            inner = level.setdefault(part, {})
            assert inner is not None, f"{address}: a layer inside a layer"
            level = inner
        assert last not in level, f"{address}: a layer inside a layer"
        level[last] = None
    return root


def _is_list(members: Tree) -> bool:
    return list(members) == [str(i) for i in range(len(members))]


def _container(tree: Tree, terms: dict[str, str]) -> str:
    ((name, members),) = tree.items()
    assert members is not None
    return _nested(members, name, terms)


def _nested(members: Tree, path: str, terms: dict[str, str]) -> str:
    inner = {
        key: terms[f"{path}.{key}"] if below is None else _nested(below, f"{path}.{key}", terms)
        for key, below in members.items()
    }
    if _is_list(members):
        return f"nn.ModuleList([{', '.join(inner.values())}])"
    return "nn.ModuleDict({" + ", ".join(f"{literal(k)}: {v}" for k, v in inner.items()) + "})"

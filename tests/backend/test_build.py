"""Modules built from emitted source."""

from __future__ import annotations

import traceback

import pytest

from resdsl.emit import names

from .specs import net

torch = pytest.importorskip("torch")

from resdsl.backend.build import build  # noqa: E402


def keys(module: object) -> list[str]:
    return list(module.state_dict())  # type: ignore[attr-defined]


def test_names_of_torch_are_known() -> None:
    plain = torch.nn.Module()
    has = {n for n in dir(plain) if not n.startswith("_")}
    assert has <= names.MODULE_ATTRIBUTES
    containers = (torch.nn.Sequential(), torch.nn.ModuleDict())
    more = {n for c in containers for n in dir(c) if not n.startswith("_")} - has
    assert more <= names.CONTAINER_ATTRIBUTES


NAMES = ("class", "train", "forward", "register_buffer", "_x", "__y", "keys", "self", "T_destination")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("chain", [True, False])
def test_names_that_are_no_attributes(name: str, chain: bool) -> None:
    more = "" if chain else "residual { r = conv(2, 3x3) } shortcut: identity"
    layers = f'"{name}" = conv(2, 3x3); "{name}b" = batchnorm'
    made = build(net(f"net n {{ input x: [1, 8, 8]\n s = {{ {layers}\n {more} }} }}"))
    assert keys(made)[:2] == [f"s.{name}.weight", f"s.{name}b.weight"]
    assert made(torch.rand(2, 1, 8, 8)).shape == (2, 2, 8, 8)
    assert torch.compile(made, backend="eager", fullgraph=True)(torch.rand(2, 1, 8, 8)).shape == (2, 2, 8, 8)


def test_positions_in_a_class() -> None:
    made = build(
        net(
            "net n { input x: [4, 8, 8]\n"
            "residual { conv(4, 3x3); batchnorm; relu; conv(4, 3x3) } shortcut: identity }"
        )
    )
    assert keys(made)[0] == "0.weight"
    assert keys(made)[-1] == "3.weight"
    assert made(torch.rand(2, 4, 8, 8)).shape == (2, 4, 8, 8)


def test_shared_layers_and_dotted_names() -> None:
    made = build(
        net(
            """edition 2026
            net n { input a: [4, 8, 8], b: [4, 8, 8]
              for i in range(2) { layer "heads.{i}" = conv(4, 3x3) }
              layer "tails.p" = conv(2, 1x1)
              from a -> apply heads.0 as x0
              from b -> apply heads.0 as x1
              add { from x0; from x1 } -> apply heads.1 -> apply tails.p as y
              output y, x0 }"""
        )
    )
    assert keys(made) == ["heads.0.weight", "heads.1.weight", "tails.p.weight"]
    a, b = torch.rand(2, 3, 4, 8, 8)
    out = made(a, b)
    assert list(out) == ["y", "x0"]
    head = made.get_submodule("heads.0")
    wanted = made.get_submodule("tails.p")(made.get_submodule("heads.1")(head(a) + head(b)))
    assert torch.equal(out["y"], wanted)


def test_training_outputs() -> None:
    made = build(
        net(
            """edition 2026
            net n { input x: [1, 8, 8]
              conv = conv(2, 3x3); relu as y
              from y -> apply_aux() as z
              output y
              output z if training }
            block apply_aux { aux = conv(3, 3x3) }"""
        )
    )
    x = torch.rand(2, 1, 8, 8)
    assert list(made(x)) == ["y", "z"]
    assert list(made.eval()(x)) == ["y"]


def test_parameters_over_the_batch() -> None:
    made = build(
        net(
            """edition 2026
            net n { input x: [4, 6]
              param token: [batch, 1, 6] = zeros
              param place: [batch, 5, 6] = normal(std = 0.02)
              concat(axis = 0) { from token; identity }
              add { identity; from place } }"""
        )
    )
    shapes = {k: tuple(v.shape) for k, v in made.state_dict().items()}
    assert shapes == {"token": (1, 1, 6), "place": (1, 5, 6)}
    assert made(torch.rand(3, 4, 6)).shape == (3, 5, 6)
    assert made.place.std() > 0


def test_only_the_batch_is_read() -> None:
    made = build(
        net(
            """net n { input x: [4, 6]
              t = { param token: [batch, 2, 6] = ones
                from token -> linear(6) } }"""
        )
    )
    assert made(torch.rand(3, 4, 6)).shape == (3, 2, 6)


def test_initialisers() -> None:
    made = build(
        net(
            """edition 2026
            net n { input x: [1, 8, 8]
              init conv.weight = constant(2)
              a = conv(2, 3x3, bias = constant(3)); b = batchnorm
              s = { conv(2, 3x3); batchnorm(weight = zeros) } }"""
        )
    )
    state = made.state_dict()
    assert (state["a.weight"] == 2).all()
    assert (state["a.bias"] == 3).all()
    assert (state["s.0.weight"] == 2).all()
    assert (state["s.1.weight"] == 0).all()
    assert (state["b.weight"] == 1).all()


def test_tracebacks_show_the_source() -> None:
    made = build(net("net n { input x: [1, 8, 8]\n conv1 = conv(2, 3x3); relu\n conv2 = conv(2, 3x3) }"))
    with pytest.raises(RuntimeError) as caught:
        made(torch.rand(1, 3, 8, 8))
    text = "".join(traceback.format_exception(caught.value))
    assert "self.conv1(x)" in text
    assert "<resdsl n>" in text

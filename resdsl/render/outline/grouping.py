"""Which steps of a net make a row."""

from __future__ import annotations

from resdsl.graph.model import Feed, Tensor
from resdsl.ops.base import Op
from resdsl.render.outline.blocks import is_weighted
from resdsl.render.outline.steps import Step, Steps


def group(plan: Steps) -> list[tuple[str, list[int]]]:
    """Names of the rows and the numbers of their steps; every step but the net's inputs is in one row."""
    cuts = _cuts(plan)
    only_ops = not any(s.inner for s in plan.steps) and not any(s.stage for s in plan.steps)
    made: list[tuple[str, str, list[int]]] = []
    for number, step in enumerate(plan.steps):
        if isinstance(step.node.content, Feed):
            continue
        kind, name = _kind(step, only_ops)
        new = not made or kind != made[-1][0] or (name != made[-1][1] and kind in ("stage", "layer"))
        if kind == "layer" and made:
            new = True
        if only_ops and made:
            full = any(is_weighted(plan.steps[i].node) for i in made[-1][2])
            new = full and cuts[number] and (is_weighted(step.node) or _flattens(step))
        if new:
            made.append((kind, name, []))
        made[-1][2].append(number)
    return _name_ops(plan, made, only_ops)


def _kind(step: Step, only_ops: bool) -> tuple[str, str]:
    if step.stage is not None:
        return "stage", step.stage
    if step.inner is not None:
        unnamed = counted(step.path) and step.node.names
        again = step.node.id.startswith("#") and step.node.names
        return "layer", step.node.names[0] if unnamed or again else _address(step)
    return "ops", step.path if only_ops else ""


def _name_ops(
    plan: Steps, made: list[tuple[str, str, list[int]]], only_ops: bool
) -> list[tuple[str, list[int]]]:
    """Name the ops before the first stage `stem` and after the last `head`; small ones join a neighbour."""
    if only_ops:
        return [(_between(plan, numbers), numbers) for _, _, numbers in made]
    named: list[tuple[str, list[int]]] = []
    for place, (kind, name, numbers) in enumerate(made):
        if kind == "ops":
            first, last = place == 0, place == len(made) - 1
            own = any(_owns(plan.steps[i]) for i in numbers)
            if named and not own and not last:
                begins = next((k for k, i in enumerate(numbers) if _begins(plan.steps[i])), len(numbers))
                named[-1][1].extend(numbers[:begins])
                made[place + 1][2][:0] = numbers[begins:]
                continue
            name = "stem" if first else "head" if last else _between(plan, numbers)
        named.append((name, numbers))
    return named


def _owns(step: Step) -> bool:
    """Whether a step between two layers has weights of its own, and so a row."""
    return is_weighted(step.node) or isinstance(step.node.content, Tensor)


def _begins(step: Step) -> bool:
    """Whether a step prepares what the next layer takes: `resize`, and a join of two values."""
    op = step.node.content
    return isinstance(op, Op) and (op.category == "merge" or op.name.startswith("resize"))


def _flattens(step: Step) -> bool:
    """Whether a step belongs to the linear layer after it."""
    return isinstance(step.node.content, Op) and step.node.content.name in (
        "flatten",
        "global_avgpool",
        "global_maxpool",
    )


def _between(plan: Steps, numbers: list[int]) -> str:
    heavy = [i for i in numbers if is_weighted(plan.steps[i].node)] or numbers
    step = plan.steps[heavy[0]]
    joins = step.node.id.startswith("#") and step.node.module is None
    return step.node.content.name if joins else _address(step)


def _address(step: Step) -> str:
    """Where its module is: of a layer that runs again, that of the first time."""
    if not step.node.id.startswith("#") or step.node.module is None:
        return step.path
    return step.path.removesuffix(step.node.id) + step.node.module


def _cuts(plan: Steps) -> list[bool]:
    """For each step whether only the value of the step before arrives from earlier ones."""
    last = list(range(len(plan.steps)))
    for number, step in enumerate(plan.steps):
        for value in step.inputs:
            last[value.step] = max(last[value.step], number)
    reach, cuts = -1, []
    for number in range(len(plan.steps)):
        cuts.append(number < 2 or reach < number)
        if number:
            reach = max(reach, last[number - 1])
    return cuts


def counted(name: str) -> bool:
    """Whether a step has no name but its number."""
    return name.rpartition(".")[2].partition("–")[0].isdigit()

"""One side of a comparison, in a process of its own: `bench` asks, and it answers in JSON, a line each.

A process of its own has its own peak of memory, its own settings of torch (freezing is one for all of torch) and an
empty cache of compiled code, so that a first call is a cold one.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path
from time import perf_counter
from typing import Any

from resdsl import extensions
from resdsl.backend.errors import MissingTorch
from resdsl.find import find
from resdsl.graph.cost import cost
from resdsl.graph.model import Net
from resdsl.pipeline import check

try:
    import torch
    from torch import Tensor, nn

    from resdsl.backend.bench.measure import settled
    from resdsl.backend.build import load
    from resdsl.backend.compile import DTYPES, Compiled, best_device, compile_net, memory_format
    from resdsl.backend.dispatch import in_type
    from resdsl.backend.dynamic import example, usual_sizes
    from resdsl.backend.inference import onednn
    from resdsl.emit import emit, net_class
except ModuleNotFoundError as missing:
    raise MissingTorch from missing

Answer = dict[str, Any]


class Unable(Exception):
    """This side cannot run; the text says why."""


class Machine:
    """What the machine does at best: multiply two matrices, and copy memory.

    On the CPU a product is measured by both libraries that torch has: MKL's `mm`, which takes no wide instructions on
    some processors, and oneDNN's 1x1 convolution with packed weights, which is a product too.

    Args:
        device: where.
        dtype: of the matrices.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self.device = device
        size, values = (8192, 2**28) if device.type == "cuda" else (1024, 2**25)
        a, b = (torch.rand(size, size, device=device).to(dtype) for _ in range(2))
        self.flops = 2 * size**3
        self.products: list[Callable[[], Any]] = [lambda: a @ b]
        if device.type == "cpu" and onednn.fast(dtype):
            rows = a.view(1, 32, size // 32, size).permute(0, 3, 1, 2)  # channels last
            product = onednn.packed(nn.Sequential(nn.Conv2d(size, size, 1, bias=False)).eval(), [rows], dtype)
            self.products.append(lambda: product(rows))
        self.values = torch.zeros(values, device=device)
        self.copied = torch.zeros_like(self.values)

    def peak(self) -> Answer:
        """FLOPs and bytes a second; a copy reads and writes."""
        with torch.no_grad():
            gemm = min(timed(product, self.device) for product in self.products * 10)
            copy = min(timed(lambda: self.copied.copy_(self.values), self.device) for _ in range(3))
        moved = 2 * self.values.numel() * self.values.element_size()
        return {"flops": self.flops / gemm, "bytes": moved / copy}


class Runner:
    """A net, run in one way.

    Weights, inputs, the layout of images and the type to compute in are the same on every side. In another type than
    float32, the other sides have weights and inputs of that type for inference, and train under autocast.

    Args:
        side: `resdsl`, `eager`, `torch`, `frozen` or `onnxruntime`.
        net: the net.
        at: input sizes.
        batch: images at once.
        train: a call is a training step, forward and backward, else inference in evaluation mode.
        device: where it runs.
        dtype: to compute in.
    """

    def __init__(
        self,
        side: str,
        net: Net,
        at: dict[str, int],
        batch: int,
        train: bool,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.side, self.net, self.train, self.device, self.dtype = side, net, train, device, dtype
        torch.manual_seed(0)
        if side in ("torch", "frozen"):
            sys.setrecursionlimit(100_000)  # it recurses over the depth of a net
        self.compiled = self._compiled() if side == "resdsl" else None
        if self.compiled is not None:
            self.module: nn.Module = self.compiled.module
            self.compiled.train(train)
        else:
            self.module = self._plain().to(device).train(train)
        torch.manual_seed(0)
        self.inputs = example(net, batch, at, device)
        if device.type in ("cpu", "cuda") and side != "onnxruntime":
            layout = memory_format(self.module, device.type, dtype)
            self.module.to(memory_format=layout)  # type: ignore[call-overload]
            self.inputs = [x.contiguous(memory_format=layout) if x.dim() == 4 else x for x in self.inputs]
        self.kept = ExitStack()
        self.call: Callable[[], Any] = self.first

    def _compiled(self) -> Compiled:
        return compile_net(self.net, device=self.device, dtype=self.dtype)

    def _plain(self) -> nn.Module:
        return load(emit(self.net, check_sizes=False), net_class(self.net), self.net.name)

    def first(self) -> Any:
        """Compile, and make the first call; `call` is what makes the others."""
        function = self._function()
        self.call = lambda: self._step(function) if self.train else self._infer(function)
        return self.call()

    def _function(self) -> Callable[..., Any]:
        match self.side:
            case "torch":
                return torch.compile(self.module)
            case "frozen":
                # As an option of one `torch.compile` it would not freeze: dynamo asks for the setting of all of torch.
                import torch._inductor.config as settings

                settings.freezing = True
                settings.post_grad_custom_post_pass = _count_arguments
                return torch.compile(self.module)
            case "onnxruntime":
                return _onnxruntime(self.module, self.inputs, self.device)
            case _:
                return self.module

    def _infer(self, function: Callable[..., Any]) -> Any:
        with torch.no_grad():
            return function(*self.inputs)

    def _forward(self, function: Callable[..., Any]) -> Any:
        if self.dtype == torch.float32 or self.compiled is not None:
            return function(*self.inputs)
        with torch.autocast(self.device.type, self.dtype):
            return function(*self.inputs)

    def _step(self, function: Callable[..., Any]) -> Any:
        self.module.zero_grad(set_to_none=True)
        made = self._forward(function)
        torch.stack([out.float().square().mean() for out in tensors(made)]).sum().backward()  # type: ignore[no-untyped-call]
        return made

    def _cast(self) -> None:
        if self.compiled is None:
            self.module.to(self.dtype)

    # ------------------------------------------------------------ what is asked

    def compile(self) -> Answer:
        """Time of the first call, and what was made. What is called frozen has its weights as constants."""
        if not self.train:
            with torch.no_grad():
                eager = self.module if self.compiled is None else self.compiled.eager
                self.kept.enter_context(settled(eager, self.inputs))
                if self.dtype != torch.float32:
                    self.inputs = [in_type(x, self.dtype) for x in self.inputs]
                    self._cast()
        took = timed(self.call, self.device)
        if self.side == "frozen" and not 0 < max(ARGUMENTS, default=0) <= len(self.inputs):
            raise Unable("torch did not make the weights constants")
        return {"seconds": took, "how": self.compiled.how if self.compiled else ""}

    def times(self, calls: int) -> Answer:
        """Seconds of some calls, after one that is not counted: the other sides have used the caches meanwhile."""
        self.call()
        return {"seconds": [timed(self.call, self.device) for _ in range(calls)]}

    def memory(self) -> Answer:
        """Peak of this process until now, and what a call takes beyond what stays; None where it is not known."""
        if self.device.type == "cuda":
            most = torch.cuda.max_memory_allocated(self.device)
            self.module.zero_grad(set_to_none=True)
            torch.cuda.reset_peak_memory_stats(self.device)
            held = torch.cuda.memory_allocated(self.device)
            self.call()
            return {"peak": most, "call": torch.cuda.max_memory_allocated(self.device) - held}
        highest = peak_resident()
        self.module.zero_grad(set_to_none=True)
        gc.collect()
        if not _forget_peak():
            return {"peak": highest, "call": None}
        before = resident()
        self.call()
        return {"peak": highest, "call": max(0, (peak_resident() or 0) - (before or 0))}

    def tensors(self) -> Answer:
        """Bytes of tensors at the peak of a call on the CPU: the rest of its memory is lost between them."""
        self.module.zero_grad(set_to_none=True)
        return {"bytes": allocated(self.call)}

    def gradients(self, file: str) -> Answer:
        """Write the outputs and gradients of a step to a file, or compare with what is there."""
        torch.manual_seed(0)
        found = {f"output {i}": t.detach() for i, t in enumerate(tensors(self.call()))}
        plain = getattr(self.module, "_orig_mod", self.module)
        found |= {n: p.grad for n, p in plain.named_parameters() if p.grad is not None}
        if not Path(file).exists():
            torch.save(found, file)
            return {"written": len(found)}
        other = torch.load(file, weights_only=True)
        assert found.keys() == other.keys()
        differ = [n for n, t in found.items() if not torch.equal(t, other[n])]
        far = [float((found[n] - other[n]).abs().max() / other[n].abs().max()) for n in differ]
        return {"of": len(found), "differ": len(differ), "largest": max(far, default=0.0)}


ARGUMENTS: list[int] = []
"""How many tensors each graph takes that was compiled to be frozen."""


def _count_arguments(graph: Any) -> None:
    ARGUMENTS.append(sum(node.op == "placeholder" for node in graph.nodes))


def _onnxruntime(module: nn.Module, inputs: Sequence[Tensor], device: torch.device) -> Callable[..., Any]:
    """The net as onnxruntime runs it, with as many threads as torch."""
    try:
        import onnxruntime
    except ImportError:
        raise Unable("it is not installed") from None
    if device.type != "cpu" or next(module.parameters()).dtype != torch.float32:
        raise Unable("it is compared on the CPU and in float32 only")
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "net.onnx")
        try:
            torch.onnx.export(module, tuple(inputs), file, dynamo=True, verbose=False)
        except ImportError as error:
            raise Unable(f"torch.onnx.export needs {error.name}, which is not installed") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]

    def run(*given: Tensor) -> tuple[Tensor, ...]:
        feed = {name: x.numpy() for name, x in zip(names, given, strict=True)}
        return tuple(torch.from_numpy(out) for out in session.run(None, feed))

    return run


def tensors(out: Any) -> list[Tensor]:
    """The outputs of a net, in whatever structure."""
    if isinstance(out, Tensor):
        return [out]
    values = out.values() if isinstance(out, dict) else out
    return [t for each in values for t in tensors(each)]


def timed(call: Callable[[], Any], device: torch.device) -> float:
    """Seconds of one call, until the device is done."""
    started = perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter() - started


# ---------------------------------------------------------------- memory


def resident() -> int | None:
    """Bytes of this process in memory; None where the system does not say."""
    return _status("VmRSS")


def peak_resident() -> int | None:
    """The most it ever had, or had since `_forget_peak`."""
    found = _status("VmHWM")
    if found is not None:
        return found
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def allocated(call: Callable[[], Any]) -> int:
    """The most bytes of tensors on the CPU that a call allocates and has not freed yet, as torch counts them."""
    cpu = torch.profiler.ProfilerActivity.CPU
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trace.json"
        with torch.profiler.profile(activities=[cpu], profile_memory=True) as found:
            call()
        found.export_chrome_trace(str(file))
        events = json.loads(file.read_text())["traceEvents"]
    changes: list[tuple[float, int]] = sorted(
        (e["ts"], e["args"]["Bytes"]) for e in events if e["name"] == "[memory]"
    )
    return max(accumulate((size for _, size in changes), initial=0))


def _status(field: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), None)


def _forget_peak() -> bool:
    """Give freed memory back to the system, and count the peak from now on. False where there is no way."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, AttributeError, TypeError):
        return False
    return True


# ---------------------------------------------------------------- the process


def environment(device: torch.device) -> Answer:
    """What the numbers depend on."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    cores = os.cpu_count()
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    return {
        "device": device.type,
        "name_of_device": name,
        "cores": cores,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def processor() -> str:
    """The model of the CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _open(job: Answer, runs: type[Runner]) -> tuple[Machine | Runner, Answer]:
    """What a job asks for, and what is known of it at once."""
    try:
        device = torch.device(job["device"]) if job["device"] else best_device()
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError):
        raise Unable(
            f"there is no device `{job['device']}` here; leave --device out to run on the CPU"
        ) from None
    dtype = DTYPES[job["dtype"]]
    if job["side"] == "machine":
        return Machine(device, dtype), environment(device)
    extensions.allow(*job["extensions"])
    found = find(job["spec"])
    checked = check(found.source, found.path, [found.net] if found.net else None, job["settings"])
    net = checked.nets[found.net] if found.net else next(iter(checked.nets.values()))
    at = {**usual_sizes(net), **job["at"]}
    total = cost(net.graph, at)
    known = {"name": net.name, "params": total.params, "macs": total.macs, "activations": total.activations}
    runner = runs(job["side"], net, at, job["batch"], job["train"], device, dtype)
    return runner, known | {"shapes": [list(x.shape[1:]) for x in runner.inputs], **environment(device)}


def main(runs: type[Runner] = Runner) -> None:
    """Answer until there are no more questions."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what torch prints is no answer

    def answer(made: Answer) -> None:
        print(json.dumps(made), file=answers, flush=True)

    try:
        side, known = _open(json.loads(sys.stdin.readline()), runs)
        answer(known)
        for line in sys.stdin:
            question = json.loads(line)
            answer(getattr(side, question.pop("ask"))(**question))
    except Unable as reason:
        answer({"unable": str(reason)})
    except Exception as reason:
        text = str(reason).strip().splitlines() or [""]
        answer({"unable": f"{type(reason).__name__}: {text[0]}"[:300]})


if __name__ == "__main__":
    main()

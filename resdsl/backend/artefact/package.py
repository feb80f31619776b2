"""A net compiled ahead of time: it runs without resdsl and without compiling again.

Such a file is a package of torch's AOTInductor: a zip archive with a shared library, which holds the weights, and
with metadata. It serves one device, one version of torch and processors with the features its code uses. It is native
code: who runs it trusts who made it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any
from unittest.mock import patch

from resdsl.backend.artefact.about import KEY, About, features, machine
from resdsl.backend.errors import MissingTorch
from resdsl.sets import SizeSet

try:
    import torch
except ModuleNotFoundError as missing:
    raise MissingTorch from missing


def packaged(program: Any, about: About) -> tuple[bytes, About]:
    """Compile an exported program, and add to what the file says of itself what it was compiled for.

    It is written to memory: where a disk is full, torch ends the whole process.
    """
    about = replace(about, machine=machine(), needs=_needs(about.device))
    package = BytesIO()
    config: Any = torch._inductor.config
    options = {
        "aot_inductor.metadata": {KEY: about.to_json()},
        "cpp.dynamic_threads": True,  # else it runs on as many threads as there are here
    }
    # Freezing is read from the global setting; among the options it has no effect.
    with config.patch(freezing=True), _portable(config), _checked(about):
        torch._inductor.aoti_compile_and_package(program, package_path=package, inductor_configs=options)
    return package.getvalue(), about


@contextmanager
def _portable(config: Any) -> Iterator[None]:
    """Compile not for the `native` processor, but for what `_needs` says."""
    if hasattr(config.cpp, "march"):
        with config.patch({"cpp.march": ""}):
            yield
        return
    from torch._inductor import cpp_builder  # of torch 2.11, which has no such setting

    flags = cpp_builder._get_optimization_cflags

    def without(*args: Any, **kwargs: Any) -> tuple[list[str], list[str]]:
        compiling, linking = flags(*args, **kwargs)
        return [flag for flag in compiling if flag != "march=native"], linking

    with patch.object(cpp_builder, "_get_optimization_cflags", without):
        yield


def _needs(device: str) -> tuple[str, ...]:
    """Features of the processor that the code uses, of those in `features`."""
    if device == "cpu" and machine() == "Linux x86_64":
        from torch._inductor.cpu_vec_isa import pick_vec_isa

        flags = re.findall(r"-m(\w[\w-]*)", pick_vec_isa().build_arch_flags())
        return tuple(dict.fromkeys(flag.replace("-", "") for flag in flags))
    return tuple(features(device))


# ---------------------------------------------------------------- inputs that do not fit


@contextmanager
def _checked(about: About) -> Iterator[None]:
    """Let the code that torch writes meanwhile check its inputs.

    Torch checks them only where the environment says `AOTI_RUNTIME_CHECK_INPUTS`, and then refuses a batch of 1 where
    any is allowed; else a wrong size reads memory that is not its own. So the function that it writes for this gets
    another name, and ours gets its.
    """
    from torch._inductor.codegen.cpp_wrapper_cpu import CppWrapperCpu

    name, theirs = "__check_inputs_outputs", CppWrapperCpu.generate_input_output_runtime_checks

    def write(self: Any) -> None:
        self.prefix.writeline(f"#define {name} {name}_of_torch")
        theirs(self)  # type: ignore[no-untyped-call]
        self.prefix.splice(f"#undef {name}\n{_check_code(about, name)}")

    with patch.object(CppWrapperCpu, "generate_input_output_runtime_checks", write):
        yield


def _check_code(about: About, name: str) -> str:
    """A C++ function of this name that throws for inputs the file was not compiled for."""
    sets = "".join(f"int64_t n_{var} = -1;\n{_member_code(var, sizes)}" for var, sizes in about.sizes.items())
    checks = ""
    for i, shape in enumerate(about.inputs):
        fits = [f"dims == {len(shape) + 1}", "dtype == aoti_torch_dtype_float32()"]
        fits.append(f"device == aoti_torch_device_type_{about.device}()")
        fits.append("size[0] >= 1" if about.batch is None else f"size[0] == {about.batch}")
        fits.append("(batch < 0 || size[0] == batch)")
        for axis, dim in enumerate(shape, 1):
            if isinstance(dim, int):
                fits.append(f"size[{axis}] == {dim}")
            else:
                fits.append(f"(n_{dim} < 0 ? has_{dim}(n_{dim} = size[{axis}]) : size[{axis}] == n_{dim})")
        which = "the input" if len(about.inputs) == 1 else f"input {i}"
        wanted = f"{about.net}: {which} must be a contiguous float32 tensor on {about.device}; it was compiled for "
        wanted += f"{about.calls}; this is "
        checks += CHECK.format(i=i, fits=" && ".join(fits), wanted=json.dumps(wanted))
    return (
        f"AOTI_NOINLINE static void {name}(AtenTensorHandle* inputs, AtenTensorHandle* outputs) {{\n"
        f"{name}_of_torch(inputs, outputs);\nint64_t batch = -1;\n{sets}{checks}}}\n"
    )


def _member_code(var: str, sizes: SizeSet) -> str:
    """A C++ function `has_H` that says whether a size is one of a set."""
    head, rest = (
        "".join(str(bits >> n & 1) for n in range(count))
        for bits, count in ((sizes.head & ~1, sizes.start), (sizes.residues, sizes.period))
    )
    return (
        f"auto has_{var} = [](int64_t n) {{ return "
        f'(n < {sizes.start} ? "{head}"[n] : "{rest}"[n % {sizes.period}]) == \'1\'; }};\n'
    )


CHECK = """{{
    int32_t dtype, device;
    int64_t dims, *size, *stride;
    AOTI_TORCH_ERROR_CODE_CHECK(aoti_torch_get_dtype(inputs[{i}], &dtype));
    AOTI_TORCH_ERROR_CODE_CHECK(aoti_torch_get_device_type(inputs[{i}], &device));
    AOTI_TORCH_ERROR_CODE_CHECK(aoti_torch_get_dim(inputs[{i}], &dims));
    AOTI_TORCH_ERROR_CODE_CHECK(aoti_torch_get_sizes(inputs[{i}], &size));
    AOTI_TORCH_ERROR_CODE_CHECK(aoti_torch_get_strides(inputs[{i}], &stride));
    bool fits = {fits};
    for (int64_t axis = dims - 1, step = 1; fits && axis >= 0; step *= size[axis--]) {{
        fits = size[axis] == 1 || stride[axis] == step;
    }}
    if (!fits) {{
        std::stringstream text;
        text << {wanted} << "[";
        for (int64_t axis = 0; axis < dims; ++axis) text << (axis ? ", " : "") << size[axis];
        text << "], with strides [";
        for (int64_t axis = 0; axis < dims; ++axis) text << (axis ? ", " : "") << stride[axis];
        text << (dtype == aoti_torch_dtype_float32() ? "]" : "], and of another type than float32");
        throw std::runtime_error(text.str());
    }}
    batch = size[0];
}}
"""

"""The state of modules: parameters and buffers by path, out and in."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from stackgrad.grad_mode import no_grad
from stackgrad.graph import Handle
from stackgrad.tensor import Tensor


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` did not find, and what it did not expect."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Stateful:
    """What a module needs for its state: `_parameters`, `_buffers`, `_transient` and `_modules`."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _transient: set[str]
    named_modules: Callable[..., Iterator[tuple[str, Any]]]

    def state_dict(self, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Return parameters and persistent buffers by path; they share memory unless copied."""
        destination = OrderedDict() if destination is None else destination
        for hook in list(self._hooks_of("_before_state").values()):
            hook(self, prefix, keep_vars)
        for name, tensor in self._parameters.items():
            if tensor is not None:
                destination[prefix + name] = tensor if keep_vars else tensor.detach()
        for name, tensor in self._buffers.items():
            if tensor is not None and name not in self._transient:
                destination[prefix + name] = tensor if keep_vars else tensor.detach()
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination, f"{prefix}{name}.", keep_vars)
        if type(self).get_extra_state is not Stateful.get_extra_state:
            destination[f"{prefix}_extra_state"] = self.get_extra_state()
        for hook in list(self._hooks_of("_after_state").values()):
            hook(self, destination, prefix, {})
        return destination

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy tensors by path; RuntimeError with all names that are missing, unexpected or of another shape."""
        state_dict = OrderedDict(state_dict)
        faults: list[str] = []
        missing: list[str] = []
        unexpected: list[str] = []
        everyone = list(self.named_modules())
        for path, module in everyone:
            prefix = f"{path}." if path else ""
            for hook in list(module._hooks_of("_before_load").values()):  # noqa: SLF001
                hook(module, state_dict, prefix, {}, strict, missing, unexpected, faults)
        own = self.state_dict(keep_vars=True)
        missing += [name for name in own if name not in state_dict]
        unexpected += [name for name in state_dict if name not in own]
        faults += _copy_in(dict(everyone), own, state_dict, assign)
        for what, names in (("Missing", missing), ("Unexpected", unexpected)):
            if strict and names:
                quoted = ", ".join(f'"{name}"' for name in names)
                faults.append(f"{what} key(s) in state_dict: {quoted}.")
        if faults:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t"
                + "\n\t".join(faults)
            )
        found = IncompatibleKeys(missing, unexpected)
        for _, module in everyone:
            for hook in list(module._hooks_of("_after_load").values()):  # noqa: SLF001
                hook(module, found)
        return found

    def get_extra_state(self) -> Any:
        """Return what else is to be saved; a subclass that has this has `set_extra_state`, too."""
        raise RuntimeError(
            "Reached a code path in Module.get_extra_state() that should never be called."
        )

    def set_extra_state(self, state: Any) -> None:
        """Take over what `get_extra_state` returned."""
        del state
        raise RuntimeError(
            "Reached a code path in Module.set_extra_state() that should never be called."
        )

    def _hooks_of(self, name: str) -> dict[int, Any]:
        found: dict[int, Any] = self.__dict__.setdefault(name, {})
        return found

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, prefix, keep_vars)` before this module's part of a state dict is made."""
        return Handle.add(self._hooks_of("_before_state"), hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, state_dict, prefix, metadata)` when it is made; it may change it."""
        return Handle.add(self._hooks_of("_after_state"), hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, state_dict, prefix, metadata, strict, missing, unexpected, errors)` before loading."""
        return Handle.add(self._hooks_of("_before_load"), hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(module, incompatible_keys)` after loading."""
        return Handle.add(self._hooks_of("_after_load"), hook)

    @contextlib.contextmanager
    def replaced(
        self, given: Mapping[str, Tensor], *, tie_weights: bool = True, strict: bool = False
    ) -> Iterator[None]:
        """Use other tensors, by path, while the context lasts; a tied parameter is replaced everywhere."""
        slots: dict[str, tuple[dict[str, Any], str]] = {}
        for path, module in self.named_modules(remove_duplicate=False):
            for place in (module._parameters, module._buffers):  # noqa: SLF001
                for name in place:
                    slots[f"{path}.{name}" if path else name] = (place, name)
        if unknown := set(given) - set(slots):
            raise RuntimeError(f"Unexpected key(s): {', '.join(sorted(unknown))}.")
        if strict and (missing := set(slots) - set(given)):
            raise RuntimeError(f"Missing key(s): {', '.join(sorted(missing))}.")
        chosen = {
            id(place[name]): tensor
            for path, tensor in given.items()
            for place, name in [slots[path]]
            if tie_weights
        }
        before = [(place, name, place[name]) for place, name in slots.values()]
        try:
            for path, (place, name) in slots.items():
                place[name] = given.get(path, chosen.get(id(place[name]), place[name]))
            yield
        finally:
            for place, name, tensor in before:
                place[name] = tensor


def _copy_in(
    modules: Mapping[str, Any], own: Mapping[str, Any], given: Mapping[str, Any], assign: bool
) -> list[str]:
    """Copy what is given into what is there; return what does not fit."""
    faults = []
    for name, tensor in own.items():
        value = given.get(name)
        path, _, last = name.rpartition(".")
        if value is None:
            continue
        if last == "_extra_state":
            modules[path].set_extra_state(value)
        elif value.array.shape != tensor.array.shape:
            faults.append(
                f"size mismatch for {name}: copying a param with shape {value.shape} from checkpoint, "
                f"the shape in current model is {tensor.shape}."
            )
        elif assign:
            tensor.array, tensor.device = value.array, value.device
        else:
            with no_grad():
                tensor.copy_(value)
    return faults

"""Lets `import torchaudio` work when its native library does not fit the installed torch.

The torchaudio wheel is linked against CUDA, so beside a CPU build of torch its import ends in an OSError. The parts
used here (mel spectrograms, resampling) are plain Python and need no native code. Once this module has been imported, a
native library that cannot be loaded counts as absent, a case that torchaudio handles by itself. One that loads is left
alone.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

_EXTENSION = "torchaudio._extension"


class _ExtensionLoader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        try:
            super().exec_module(module)
        # OSError: what it links to is missing; ImportError: only half of it loads; RuntimeError: not the CUDA of torch.
        except (OSError, ImportError, RuntimeError) as error:
            from torchaudio._internal.module_utils import fail_with_message

            no_align = fail_with_message(
                f"this function needs torchaudio's native library, which failed to load: {error}"
            )
            vars(module).update(
                _IS_TORCHAUDIO_EXT_AVAILABLE=False, _IS_ALIGN_AVAILABLE=False, fail_if_no_align=no_align
            )


class _ExtensionFinder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _EXTENSION:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _ExtensionLoader(spec.loader.name, spec.loader.path)
        return spec


sys.meta_path.insert(0, _ExtensionFinder())

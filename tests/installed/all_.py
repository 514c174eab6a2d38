"""Everything at once: every module can be imported."""

import pkgutil
from importlib import import_module

import dmcore

TESTS = "dmcore.testing"
for module in pkgutil.walk_packages(dmcore.__path__, "dmcore."):
    if not module.name.startswith(TESTS) and module.name != "dmcore.__main__":
        import_module(module.name)

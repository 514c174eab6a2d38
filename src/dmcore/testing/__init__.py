"""What tests of dmcore, of adapters to it, and of programs that embed it may build on.

Ships with the package; each module names the extra that it needs, and nothing is imported here.
Who writes an adapter writes a ``harness.Harness``, loads ``plugin`` and runs ``conformance``, whose
people live in ``world``; ``blocking`` is for runners that are awaited.
"""

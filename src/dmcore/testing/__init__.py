"""What tests of dmcore, and tests of programs that embed it, may build on.

Ships with the package. Nothing is imported here: each module names the extra that it needs.
"""

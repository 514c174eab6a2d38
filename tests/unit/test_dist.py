"""What is published has everything that it needs, nothing else, and says so truly."""

import zipfile
from pathlib import Path

import pytest
from tools import dist
from tools.dist import (
    Built,
    build,
    complaints,
    wrong_in_changelog,
    wrong_in_metadata,
    wrong_in_wheel,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(ROOT, tmp_path_factory.mktemp("dist"), time="1700000000")


def metadata(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return next(archive.read(it) for it in archive.namelist() if it.endswith("/METADATA"))


def made(folder: Path, like: Path, *names: str) -> Path:
    """A wheel of other files, with the metadata of this one."""
    other = folder / like.name
    with zipfile.ZipFile(other, "w") as archive:
        for name in names:
            archive.writestr(name, "")
        archive.writestr("dmcore-0.1.dist-info/METADATA", metadata(like))
    return other


def test_what_is_built_is_whole_and_nothing_more(built: Built) -> None:
    assert complaints(built, ROOT) == []


def test_types_pages_styles_and_migrations_are_in_the_wheel_and_tests_are_not(
    built: Built,
) -> None:
    names = zipfile.ZipFile(built.wheel).namelist()
    assert set(dist.NEEDED) <= set(names)
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"dmcore"}


def test_what_is_missing_and_what_is_too_much_is_named(built: Built, tmp_path: Path) -> None:
    wheel = made(tmp_path, built.wheel, "dmcore/__init__.py", "tests/unit/test_dist.py")
    wrong = list(wrong_in_wheel(wheel, ROOT))
    assert {f"the wheel has no {name}" for name in dist.NEEDED} <= set(wrong)
    assert "the wheel has no dmcore/__init__.py" not in wrong
    assert wrong[-1] == "the wheel has tests/unit/test_dist.py, which is not ours"


@pytest.mark.parametrize(
    ("words", "others", "wrong"),
    [
        ("Version: 0.1", "Version: zero", "invalid"),
        ("Version: 0.1", "Version: 7.1", "instead of"),
        ("License-Expression: Apache-2.0", "License-Expression: Mine-1.0", "license"),
        ("text/markdown", "text/plain", "README.md"),
        ("Provides-Extra: sql\n", "", "other extras"),
    ],
)
def test_metadata_that_is_not_true_is_named(
    words: str, others: str, wrong: str, built: Built
) -> None:
    told = metadata(built.wheel)
    assert words.encode() in told
    (found,) = wrong_in_metadata(told.replace(words.encode(), others.encode()), ROOT)
    assert wrong in found


@pytest.mark.parametrize(
    ("version", "headings"),
    [
        ("0.1.0.dev0", ["Unreleased"]),
        ("0.3.0.dev0", ["Unreleased", "0.2.0 · 2027-02-01", "0.1.0 · 2027-01-01"]),
        ("0.2.0", ["0.2.0 · 2027-02-01", "0.1.0 · 2027-01-01"]),
    ],
)
def test_the_changelog_goes_with_the_version(version: str, headings: list[str]) -> None:
    text = "".join(f"## {heading}\n\n- Something.\n\n" for heading in headings)
    assert list(wrong_in_changelog(text, version)) == []


@pytest.mark.parametrize(
    ("version", "headings"),
    [
        ("0.1.0", ["Unreleased"]),
        ("0.2.0", ["0.1.0 · 2027-01-01"]),
        ("0.2.0", ["0.2.0 · soon"]),
        ("0.2.0.dev0", ["0.1.0 · 2027-01-01"]),
        ("0.3.0.dev0", ["Unreleased", "0.1.0 · 2027-01-01", "0.2.0 · 2027-02-01"]),
        ("0.3.0.dev0", []),
    ],
)
def test_a_changelog_of_another_version_is_refused(version: str, headings: list[str]) -> None:
    text = "".join(f"## {heading}\n\n- Something.\n\n" for heading in headings)
    assert list(wrong_in_changelog(text, version)) != []

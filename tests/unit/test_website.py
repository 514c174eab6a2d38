"""The website says what the pages say, leads nowhere else, and fetches nothing from elsewhere."""

from pathlib import Path

import pytest
from tools.website.__main__ import main

FRONT = """# Documentation

## Reading

First

- [Concepts](concepts.md): the words
- [How](how/README.md)

## The project

- [README](../README.md)
"""
CONCEPTS = """# Concepts

<!-- Made. -->

## A pair & its `id`

Words.

## Same

## Same

```python app.py
print(1)
```

```text output
<1>
```
"""
HOW = """# How

[There](../concepts.md#a-pair--its-id), [twice](../concepts.md#same-1), [code](../../src/it.py),
[away](https://example.org)

![A picture](../picture.svg)
"""
PAGES = {
    "README.md": "# The project\n\nSee [the picture](docs/picture.svg) and [docs](docs/README.md).",
    "docs/README.md": FRONT,
    "docs/concepts.md": CONCEPTS,
    "docs/how/README.md": HOW,
    "docs/picture.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "src/it.py": "def it() -> int:\n    return 1 < 2\n",
}


def written(folder: Path, **changed: str) -> Path:
    """A small project; a page that is changed gets a line more."""
    for name, text in PAGES.items():
        file = folder / "root" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        more = changed.get(file.stem, "")
        file.write_text(f"{text}\n{more}\n", encoding="utf-8")
    return folder / "root"


def made(folder: Path, **changed: str) -> tuple[int, Path]:
    root, out = written(folder, **changed), folder / "out"
    return main(["--root", str(root), "--out", str(out)]), out


def test_pages_lead_to_each_other_to_files_and_to_headings(tmp_path: Path) -> None:
    status, out = made(tmp_path)
    assert status == 0
    how = (out / "how/index.html").read_text()
    for href in (
        "../concepts.html#a-pair--its-id",
        "../concepts.html#same-1",
        "../source/src/it.py.html",
        "https://example.org",
    ):
        assert f'href="{href}"' in how
    assert 'src="../files/docs/picture.svg"' in how
    assert (out / "files/docs/picture.svg").exists()
    source = (out / "source/src/it.py.html").read_text()
    assert '<span id="it">def it() -&gt; int:</span>' in source
    assert "return 1 &lt; 2" in source
    assert 'href="../index.html"' in (out / "project/readme.html").read_text()


def test_the_front_page_is_the_navigation_of_every_page(tmp_path: Path) -> None:
    _, out = made(tmp_path)
    page = (out / "concepts.html").read_text()
    assert '<a href="concepts.html" aria-current="page">Concepts</a>' in page
    assert '<a rel="next" href="how/index.html">How →</a>' in page
    assert 'rel="prev"' not in page
    assert "<p>First</p>" in page
    assert '<a href="#same-1">Same</a>' in page


def test_code_has_its_name_its_colours_and_what_it_prints(tmp_path: Path) -> None:
    _, out = made(tmp_path)
    page = (out / "concepts.html").read_text()
    assert '<div class="code"><p>app.py</p><pre tabindex="0"><span class="nb">print</span>' in page
    assert '<div class="code output"><pre tabindex="0">&lt;1&gt;' in page
    assert "Made." not in page


def test_everything_can_be_searched_for(tmp_path: Path) -> None:
    _, out = made(tmp_path)
    index = (out / "search-index.js").read_text()
    assert '["Concepts","concepts.html#a-pair--its-id","A pair & its id","Words."]' in index


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("[gone](gone.md)", "gone.md does not exist"),
        ("[gone](concepts.md#gone)", "concepts.md#gone has no such heading"),
        ("[gone](#gone)", "#gone has no such heading"),
        ("[outside](../../other.md)", "../../other.md does not exist"),
        ("![gone](gone.png)", "gone.png does not exist"),
        ("![away](https://example.org/a.png)", "would be fetched from elsewhere"),
        ("<script src='a.js'></script>", "HTML of its own"),
        ("Some <b>bold</b> words", "HTML of its own"),
    ],
)
def test_what_leads_nowhere_or_elsewhere_fails_the_build(
    line: str, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(tmp_path, concepts=line)[0] == 1
    assert f"site: docs/concepts.md: {fault}" in capsys.readouterr().err.replace(
        "https://example.org/a.png ", ""
    )


def test_a_line_of_the_navigation_without_a_link_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = written(tmp_path)
    (root / "docs/README.md").write_text("# Docs\n\n## Reading\n\n- Concepts\n")
    assert main(["--root", str(root), "--out", str(tmp_path / "out")]) == 1
    assert "a line without a link" in capsys.readouterr().err

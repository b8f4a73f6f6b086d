import re
from typing import Final

import pytest

from tests.architecture.layout import DOCS, ROOT, project_files, shown

# Written in pieces, so that this file does not hold what it forbids.
FORBIDDEN: Final = {
    "a path of one machine": re.compile(r"/(?:wor" + r"k|far" + r"m|roo" + r"t|ho" + r"me/[a-z])/"),
    "the host of a Python registry": re.compile("python" + r"hosted|py" + r"pi\.org"),
    "the host of a Node registry": re.compile(r"npm" + r"js\.(?:org|com)"),
    "the host of a distribution": re.compile(r"(?:deb|security|archive)\.(?:deb" + "ian|ub" + "untu)"),
    "a to-do": re.compile(r"\b(?:TO" + "DO|FIX" + "ME|X" + r"XX)\b"),
}


def _read(name: str) -> str:
    try:
        return (ROOT / name).read_text("utf-8")
    except UnicodeDecodeError:
        return ""  # a picture or the like: nothing that a person reads


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_in_the_project_names(what: str) -> None:
    found = [
        f"{shown(path)}:{number}"
        for path in project_files()
        for number, line in enumerate(_read(shown(path)).splitlines(), 1)
        if FORBIDDEN[what].search(line)
    ]

    assert found == []


def test_every_relative_link_in_the_documents_leads_somewhere() -> None:
    pages = [path for path in project_files() if path.suffix == ".md"]
    broken = [
        f"{shown(page)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text("utf-8"))
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists()
    ]

    assert broken == []


def test_every_document_that_the_code_names_exists() -> None:
    missing = [
        f"{shown(path)}: {name}"
        for path in project_files()
        if path.suffix in {".py", ".toml", ".sh", ".c", ".h"} or path.name == "Makefile"
        for name in re.findall(r"\bdocs/[\w./-]+\.md\b", _read(shown(path)))
        if not (ROOT / name).is_file()
    ]

    assert missing == []


def test_every_decision_says_what_a_decision_has_to_say() -> None:
    headings = ("## Context", "## Choice", "## Alternatives", "## Consequences", "## Revisit when")
    decisions = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    lacking = [f"{page.name}: {h}" for page in decisions for h in headings if h not in page.read_text("utf-8")]

    assert decisions
    assert lacking == []


def test_decisions_are_numbered_without_gaps_or_doubles() -> None:
    numbers = sorted(int(page.name[:4]) for page in (DOCS / "decisions").glob("[0-9]*.md"))

    assert numbers == list(range(1, len(numbers) + 1))


def test_the_changelog_has_a_section_for_what_is_not_released() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")

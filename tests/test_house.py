"""The house rules that a machine can check."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = ["common", "accounts", "projects", "runs", "threads", "feedback"]
LONGEST_FUNCTION, LONGEST_VIEW, LONGEST_MODULE, MOST_COMMON_MODULES = 40, 25, 400, 8

SOURCES = sorted(
    path for folder in ("config", "apps") for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts
)
VIEWS = [path for path in SOURCES if path.name == "views.py"]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield f"{path.relative_to(ROOT)}:{node.name}", node.end_lineno - node.lineno + 1


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_function_is_longer_than_a_screen() -> None:
    assert [name for path in SOURCES for name, lines in functions(path) if lines > LONGEST_FUNCTION] == []


def test_no_view_is_longer_than_it_needs() -> None:
    assert [name for path in VIEWS for name, lines in functions(path) if lines > LONGEST_VIEW] == []


def test_no_module_is_longer_than_can_be_read() -> None:
    everything = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    assert [path.name for path in everything if path.read_text().count("\n") > LONGEST_MODULE] == []


@pytest.mark.parametrize("app", ORDER)
def test_imports_run_one_way(app: str) -> None:
    later = {f"apps.{name}" for name in ORDER[ORDER.index(app) + 1 :]}
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in (ROOT / "apps" / app).rglob("*.py")
        for module in imported(path)
        if ".".join(module.split(".")[:2]) in later
    ]
    assert wrong == []


def test_the_common_shelf_stays_small() -> None:
    modules = [path for path in (ROOT / "apps" / "common").glob("*.py") if path.name not in ("__init__.py", "apps.py")]
    assert len(modules) <= MOST_COMMON_MODULES


def test_views_ask_querysets_by_name() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in VIEWS
        if any(word in path.read_text() for word in (".filter(", ".annotate(", ".exclude("))
    ]
    assert wrong == []


def test_templates_hold_no_inline_script_or_style() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "templates").rglob("*.html")
        if any(mark in path.read_text() for mark in ("<script>", " style=", " onclick=", " onload="))
    ]
    assert wrong == []

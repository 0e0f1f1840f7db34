import re
from pathlib import Path

import pytest

from tests.server import BASE_DIR

READ_IN_CODE = re.compile(r'"(THREADLINE_[A-Z_]+|DATABASE_URL)"')
DOCUMENTED = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)


def settings_of_the_code() -> list[str]:
    sources = [*BASE_DIR.glob("config/**/*.py"), *BASE_DIR.glob("apps/**/*.py")]
    return sorted({name for source in sources for name in READ_IN_CODE.findall(source.read_text())})


def documented_settings() -> list[str]:
    return DOCUMENTED.findall(Path(BASE_DIR / "docs/settings.md").read_text())


@pytest.mark.parametrize("name", settings_of_the_code())
def test_setting_is_documented(name: str) -> None:
    assert name in documented_settings()


@pytest.mark.parametrize("name", documented_settings())
def test_documented_setting_exists(name: str) -> None:
    assert name in settings_of_the_code()

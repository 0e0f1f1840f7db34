import re

from django.templatetags.static import static
from django.test import Client


def test_url_of_a_static_file_names_its_content() -> None:
    assert re.fullmatch(r"/static/app\.css\?v=[0-9a-f]{12}", static("app.css"))


def test_url_of_a_missing_static_file_has_no_version() -> None:
    assert static("no-such-file.css") == "/static/no-such-file.css"


def test_own_static_files_are_kept_by_browsers_for_ever(client: Client) -> None:
    assert "immutable" in client.get(static("app.css")).headers["Cache-Control"]


def test_static_files_of_the_admin_are_asked_for_again(client: Client) -> None:
    assert "immutable" not in client.get(static("admin/css/base.css")).headers["Cache-Control"]

"""The API's description, with what its routers do not know: routes that are plain views, an example of each body, and the key."""

from collections.abc import Mapping
from typing import Any, Final

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

_KEY: Final = {"type": "apiKey", "in": "header", "name": "x-api-key"}


class DescribedAPI(NinjaAPI):
    """views: operations in OpenAPI by path and method. examples: bodies by "METHOD /path"."""

    def __init__(self, *, views: Mapping[str, Mapping[str, Any]], examples: Mapping[str, Any], **options: Any) -> None:
        super().__init__(openapi_extra={"security": [{"key": []}]}, **options)
        self.views, self.examples = views, examples

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        schema = super().get_openapi_schema(path_prefix=prefix)
        mount = prefix.rstrip("/")
        paths = schema["paths"]
        for path, operations in self.views.items():
            paths[mount + path] = {**paths.get(mount + path, {}), **operations}
        for route, example in self.examples.items():
            method, path = route.split()
            paths[mount + path][method.lower()]["requestBody"]["content"]["application/json"]["example"] = example
        for path, operations in paths.items():
            if path.startswith(f"{mount}/public/"):
                operations.update({method: {**told, "security": []} for method, told in operations.items()})
        schema["components"].setdefault("securitySchemes", {})["key"] = _KEY
        return schema

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from config.errors import limit_queries  # noqa: E402  # it reads the settings

limit_queries(settings.QUERY_SECONDS)

"""All settings, driven by the environment; docs/settings.md explains each THREADLINE_ variable."""

from pathlib import Path

from django.utils.csp import CSP

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = env.home(BASE_DIR)

DEBUG = env.boolean("THREADLINE_DEBUG", False)
SECRET_KEY = env.secret_key(HOME)
ALLOWED_HOSTS = env.words("THREADLINE_ALLOWED_HOSTS", "*")
CSRF_TRUSTED_ORIGINS = env.words("THREADLINE_TRUSTED_ORIGINS")
BEHIND_PROXY = env.boolean("THREADLINE_BEHIND_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
# The rate limits of sign-in are by address, which a proxy puts into X-Forwarded-For.
ALLAUTH_TRUSTED_PROXY_COUNT = int(BEHIND_PROXY)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_filters",
    "django_htmx",
    "ninja",
    "allauth",
    "allauth.account",
    "procrastinate.contrib.django",
    "apps.common",
    "apps.accounts",
    "apps.projects",
    "apps.runs",
    "apps.threads",
    "apps.feedback",
]

MIDDLEWARE = [
    "config.errors.JsonErrors",
    "django.middleware.security.SecurityMiddleware",
    "config.static.StaticFilesMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.zones.in_zone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

# The SDKs never send a trailing slash, and a redirect would replay a POST as GET.
APPEND_SLASH = False
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["django_htmx.templatetags.django_htmx"],
        },
    }
]

DATABASES = {"default": env.database(env.database_url(HOME))}
# A pooled connection may be older than the last restart of the database; asking costs 0.05 ms.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["OPTIONS"]["pool"] = {
    # Nothing is kept open for an idle server: a session costs PostgreSQL about 15 MiB, opening one 3 ms.
    "min_size": 0,
    "max_idle": 30,
    "max_size": env.integer("THREADLINE_DB_POOL", 12),
    "timeout": 15,
}
# For one query of a page or of the API; config/wsgi.py sets it.
QUERY_SECONDS = env.integer("THREADLINE_QUERY_SECONDS", 30)
# Django switches prepared statements off. Never by count, but where the ingest or apps/common/sql.py asks for it: planning would be a
# fifth of the ingest's database time, and more of a page's small queries.
DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 1_000_000_000
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["apps.accounts.backend.Backend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "account_login"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static.VersionedStaticFilesStorage"},
    "attachments": env.attachments(HOME),
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "media-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.boolean("THREADLINE_SECURE_COOKIES", False)
SESSION_COOKIE_NAME = "threadline_session"
SESSION_ENGINE = "apps.accounts.sessions"
X_FRAME_OPTIONS = "DENY"

# Caps of the ingest routes. Django's own 2.5 MB cap would refuse ordinary batches; ours are checked before anything is parsed.
DATA_UPLOAD_MAX_MEMORY_SIZE = None
MAX_BODY_BYTES = env.integer("THREADLINE_MAX_BODY_BYTES", 64 * 1024 * 1024)
MAX_DECOMPRESSED_BYTES = env.integer("THREADLINE_MAX_DECOMPRESSED_BYTES", 256 * 1024 * 1024)
MAX_PARTS = env.integer("THREADLINE_MAX_PARTS", 20_000)
MAX_RUNS_PER_BATCH = env.integer("THREADLINE_MAX_RUNS_PER_BATCH", 5_000)
MAX_JSON_DEPTH = env.integer("THREADLINE_MAX_JSON_DEPTH", 200)
MAX_ATTACHMENT_BYTES = env.integer("THREADLINE_MAX_ATTACHMENT_BYTES", 32 * 1024 * 1024)
MAX_ATTACHMENTS_PER_RUN = env.integer("THREADLINE_MAX_ATTACHMENTS_PER_RUN", 100)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("THREADLINE_LOG_LEVEL", "WARNING")},
}

"""All settings, read from the environment. docs/settings.md lists the variables.

`bin/run` works without any: it makes a secret key and keeps everything in `var/`. A server of your own
sets at least `SECRET_KEY` and `ALLOWED_HOSTS`.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

from meeteasy import database_settings, default_schedule, env, mail_settings, mongodb_settings
from meeteasy.core.queues import WORKER_OPTIONS, Queue
from meeteasy.core.redis import quick_options

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.read_str("DATA_DIR", str(BASE_DIR / "var"))).resolve()

# --- Django's core ---------------------------------------------------------------------------------------

DEBUG = env.read_bool("DEBUG")
SECRET_KEY = env.read_str("SECRET_KEY")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. `bin/run` makes one in var/; for a server of your own: "
        'python -c "import secrets; print(secrets.token_urlsafe(50))"'
    )
SECRET_KEY_FALLBACKS = env.read_list("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.read_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.read_list("CSRF_TRUSTED_ORIGINS")
# The public address of this server. Links in mails, badges and share links begin with it.
PUBLIC_URL = env.read_str("PUBLIC_URL", f"http://localhost:{env.read_int('PORT', 8000)}").rstrip("/")

INSTALLED_APPS = [
    "meeteasy.admin_apps.AdminConfig",  # discovers nothing: only the web server needs it (meeteasy/urls.py)
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "meeteasy",
    "conferences",
    "analytics",
    "sharing",
    "live",
    "notifications",
    "conversion",
    "visuspace",
    "console",
]

MIDDLEWARE = [
    "meeteasy.core.request_ids.bind_request_id",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "meeteasy.core.middleware.keep_private",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "meeteasy.core.read_only.refuse_writes",
    "meeteasy.core.middleware.refuse_nul",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "meeteasy.core.logins.LoginThrottleMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "meeteasy.urls"
ASGI_APPLICATION = "meeteasy.asgi.application"
APPEND_SLASH = True  # for /admin/ and /console/; the API's own paths have none

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTHENTICATION_BACKENDS = ["meeteasy.core.logins.ThrottledBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "console-conferences"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Uploads and collected files are for this user alone, like everything in DATA_DIR.
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
# Uploaded files and results of conversions: in DATA_DIR, or in a bucket of S3 or a server that speaks its
# protocol, which workers and web processes on several hosts need. The keys may also come from where boto3
# looks for them by itself.
S3_BUCKET = env.read_str("S3_BUCKET")
_s3 = {
    "bucket_name": S3_BUCKET,
    "endpoint_url": env.read_optional("S3_ENDPOINT_URL"),
    "region_name": env.read_optional("S3_REGION"),
    "access_key": env.read_optional("S3_ACCESS_KEY_ID"),
    "secret_key": env.read_optional("S3_SECRET_ACCESS_KEY"),
    "location": env.read_str("S3_PREFIX", "conversions"),
}
SEGMENTS_DIR = env.read_str("SEGMENTS_DIR") or DATA_DIR / "segments"
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": DATA_DIR}},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "conversion": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": _s3}
    if S3_BUCKET
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "conversions"},
    },
    # What summaries of ranges are read from (analytics/ranges); machines that share a store share this.
    "segments": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": SEGMENTS_DIR},
    },
}
WHITENOISE_USE_FINDERS = True  # without `collectstatic`, too

# Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
TRUSTED_PROXIES = env.read_networks("TRUSTED_PROXIES")
# Cookies only over https, behind a proxy that ends TLS and says so.
HTTPS_ONLY = env.read_bool("HTTPS_ONLY")
if HTTPS_ONLY:
    if DEBUG:
        raise ImproperlyConfigured("DEBUG shows source code and settings to everybody; not with HTTPS_ONLY")
    for _key in (SECRET_KEY, *SECRET_KEY_FALLBACKS):  # signatures by the former ones are believed, too
        if len(_key) < 32 or len(set(_key)) < 10:
            raise ImproperlyConfigured(
                f"{'SECRET_KEY' if _key == SECRET_KEY else 'SECRET_KEY_FALLBACKS'} is too weak for "
                "HTTPS_ONLY: whoever guesses it can forge sessions. Make one with "
                'python -c "import secrets; print(secrets.token_urlsafe(50))"'
            )
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_SSL_REDIRECT = HTTPS_ONLY
# No page of ours has inline scripts or styles, loads anything from elsewhere, or may be framed. A mail's
# preview has a stricter policy of its own, with inline styles (notifications).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
# Internal machines ask for these without the proxy that ends TLS.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
# The token with which Prometheus reads /metrics. Without one only this machine may
# (meeteasy/core/metrics.py).
METRICS_TOKEN = env.read_str("METRICS_TOKEN")

# --- What is told to others about errors and times (meeteasy/telemetry) ------------------------------------

SENTRY_DSN = env.read_str("SENTRY_DSN")
SENTRY_ENVIRONMENT = env.read_str("SENTRY_ENVIRONMENT", "production")
OTEL_EXPORTER_OTLP_ENDPOINT = env.read_str("OTEL_EXPORTER_OTLP_ENDPOINT")
if OTEL_EXPORTER_OTLP_ENDPOINT:
    MIDDLEWARE.insert(1, "meeteasy.telemetry.spans.trace_requests")

# --- Stores ----------------------------------------------------------------------------------------------

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# How long a statement waits for another connection's lock. The web server sets a shorter time.
DATABASE_WAIT_SECONDS = env.read_int("DATABASE_WAIT_SECONDS", 30, minimum=1)
SQLITE_LOG_BYTES = env.read_int("SQLITE_LOG_MB", 64, minimum=1) * 1024 * 1024
SQLITE_SYNCHRONOUS = env.read_choice("SQLITE_SYNCHRONOUS", ("NORMAL", "FULL"), "NORMAL")

DATABASE_URL = env.read_str("DATABASE_URL")
DATABASES: dict[str, Any] = {
    "default": database_settings.make_default(
        DATABASE_URL,
        DATA_DIR / "meeteasy.sqlite3",
        wait_seconds=DATABASE_WAIT_SECONDS,
        log_bytes=SQLITE_LOG_BYTES,
        synchronous=SQLITE_SYNCHRONOUS,
    )
}
MONGODB_URI = env.read_str("MONGODB_URI")
ANALYTICS_DATABASE = "analytics" if MONGODB_URI else "default"
if MONGODB_URI:
    DATABASES["analytics"] = mongodb_settings.read_mongodb_settings(
        MONGODB_URI, env.read_str("MONGODB_DATABASE")
    )
DATABASE_ROUTERS = ["meeteasy.routers.AnalyticsRouter"]
if MONGODB_URI:
    DATABASE_ROUTERS.append("django_mongodb_backend.routers.MongoRouter")

# When the embedded Valkey flushes to disk (docs/delivery.md).
VALKEY_APPENDFSYNC = env.read_choice("VALKEY_APPENDFSYNC", ("everysec", "always"), "everysec")
REDIS_URL = env.read_str("REDIS_URL", f"redis://127.0.0.1:{env.read_int('VALKEY_PORT', 6399)}/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        # A request must not wait long for an unreachable cache. By default redis-py retries for seconds.
        "OPTIONS": quick_options(REDIS_URL),
    }
}

# Messages between processes (live/groups.py). They only say that there is something to look at.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "channels:"},
    }
}
LIVE_HEARTBEAT_SECONDS = env.read_int("LIVE_HEARTBEAT_SECONDS", 15, minimum=1)
# How often open sockets are checked for a membership, token or session that ended without a signal.
LIVE_RECHECK_SECONDS = env.read_int("LIVE_RECHECK_SECONDS", 30, minimum=1)

# --- Serving (meeteasy/serving) --------------------------------------------------------------------------

# Threads of each web process. They mostly wait for the database, on SQLite for their turn to write.
WEB_THREADS = env.read_int("WEB_THREADS", 6, minimum=1)
# How many requests may wait for a free thread, and how long. The others get 503.
WEB_MAX_WAITING = env.read_int("WEB_MAX_WAITING", 200)
WEB_MAX_WAIT_SECONDS = env.read_int("WEB_MAX_WAIT_SECONDS", 1, minimum=1)
# Open connections of each web process, web sockets included.
MAX_CONNECTIONS = env.read_int("MAX_CONNECTIONS", 4096, minimum=1)
# The largest body of a request, and the only paths that need more: patterns, the first match counts. Nobody
# is signed in yet when a body is read, so each exception is as narrow as it can be (docs/security.md).
MAX_BODY_BYTES = 1024 * 1024
_MB = 1024 * 1024
BODY_LIMITS = [
    # A CSV file of 10 MB and the form around it.
    (r"^/api/conferences/[^/]+/registrations/import$", 11 * _MB),
    (r"^/console/c/[^/]+/people/import/$", 11 * _MB),
    # Documents and pictures to be converted.
    (r"^/api/conversions$", 64 * _MB),
    (r"^/console/c/[^/]+/(files|page/[^/]+/pictures)/upload/$", 64 * _MB),
]
# What all bodies of a web process hold together until they are answered; the others get 503.
MAX_BUFFERED_BYTES = env.read_int("MAX_BUFFERED_BYTES", 256 * _MB, minimum=_MB)

# --- Queues and schedules --------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = None  # a job's state is its database row, never a Celery result
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = Queue.ANALYTICS_DAILY
CELERY_TASK_ROUTES = ["meeteasy.core.queues.route_task"]
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = max(options.time_limit_seconds for options in WORKER_OPTIONS.values())
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Messages of a killed worker are delivered again after this time. Claims make a second delivery harmless,
# so it may be short; no task uses an ETA or countdown beyond it (it would be delivered again and again).
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 60,
    "socket_timeout": 10,
    "socket_keepalive": True,
    # Sending a message fails at once while the broker is away, instead of after some 6 seconds: a
    # request waits for it, and sweeps send again what was lost. Workers reconnect by rules of their own.
    "max_retries": 0,
    # How often workers look for such messages. By default every tenth time in intervals of 10 seconds: a
    # killed worker's messages came back after 103 seconds instead of 17 (visibility timeout of 15).
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
# A worker waits for a lost broker without limit. By default it would end after 100 attempts.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# CELERY_TASK_ACKS_ON_FAILURE_OR_TIMEOUT keeps its default, True: a task killed at its hard time limit counts
# as done for Redis, and its job's sweep finds it again. If it stayed unacknowledged, it would use up the
# worker's prefetch count, and a second one would stop the worker.
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "meeteasy.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
DEFAULT_SCHEDULE = default_schedule.DEFAULT_SCHEDULE

# --- Share attribution (sharing) -------------------------------------------------------------------------

# How often the totals below a link may be written; 0 = with every delivery.
SHARING_TOTALS_SECONDS = env.read_int("SHARING_TOTALS_SECONDS", 1, minimum=0)

# --- Taking events in (analytics/ingest) -----------------------------------------------------------------

INGEST_MAX_BODY_BYTES = 512 * 1024
INGEST_MAX_EVENTS = 500
# How old an event may be when it arrives; older ones come in by `manage.py import_events` only.
INGEST_ACCEPTANCE_DAYS = env.read_int("INGEST_ACCEPTANCE_DAYS", 7, minimum=1)
# Requests and events a second from one client address; 0 = no limit. The limits are generous, because a whole
# venue may share one address.
INGEST_RATE_PER_SECOND = env.read_int("INGEST_RATE_PER_SECOND", 300)
INGEST_EVENTS_PER_SECOND = env.read_int("INGEST_EVENTS_PER_SECOND", 5000)
# A MaxMind DB file that tells the country of an address; none by default.
COUNTRY_DATABASE = env.read_str("COUNTRY_DATABASE")
# Memory of the stream of events beyond which new batches are answered 503 until workers catch up.
INGEST_QUEUE_MAX_BYTES = env.read_int("INGEST_QUEUE_MAX_BYTES", 512 * 1024 * 1024, minimum=1024)
# How long dead letters are kept after they were replayed. Those that wait are never deleted.
DEAD_LETTER_KEEP_DAYS = env.read_int("DEAD_LETTER_KEEP_DAYS", 30, minimum=1)

# Of each process that counts in segments.
RANGES_THREADS = env.read_int("RANGES_THREADS", 2, minimum=1)

# Registrations and check-ins that clients may report within an hour; 0 = no limit. Further ones are stored
# and held until an organizer releases them (analytics/reactions/quota.py).
REPORTS_PER_CLIENT_HOUR = env.read_int("REPORTS_PER_CLIENT_HOUR", 100, minimum=0)
REPORTS_PER_CONFERENCE_HOUR = env.read_int("REPORTS_PER_CONFERENCE_HOUR", 2_000, minimum=0)

# --- Registrations ---------------------------------------------------------------------------------------

# Registrations a minute from one client address; 0 = no limit.
REGISTRATION_RATE_PER_MINUTE = env.read_int("REGISTRATION_RATE_PER_MINUTE", 120)

# --- Mail and SMS (docs/notifications.md) ------------------------------------------------------------------

# Keeps mails and SMS for /dev/mailbox instead of sending them. `bin/run` turns it on while no mail server
# is configured. It is off by default, because its contents are personal.
DEVELOPMENT_MAILBOX = env.read_bool("DEVELOPMENT_MAILBOX")
_mail = mail_settings.read_mail_settings(development_mailbox=DEVELOPMENT_MAILBOX)
EMAIL_BACKEND = _mail.backend
EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.use_tls, _mail.use_ssl
EMAIL_TIMEOUT = env.read_int("EMAIL_TIMEOUT", 20, minimum=1)
# How long a mail server may take to answer after a mail's end (RFC 5321 §4.5.3.2.6). With a shorter time slow
# servers get the mail twice.
EMAIL_ANSWER_TIMEOUT = env.read_int("EMAIL_ANSWER_TIMEOUT", 600, minimum=1)
DEFAULT_FROM_EMAIL = env.read_str("MAIL_FROM", f"MeetEasy <noreply@{urlsplit(PUBLIC_URL).hostname}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_RATE_PER_SECOND = env.read_int("EMAIL_RATE_PER_SECOND", 20)  # over all workers; 0 = no limit
ANYMAIL = mail_settings.read_anymail_settings()
if ANYMAIL:
    INSTALLED_APPS.append("anymail")  # it checks these settings, and loads a lot for that
ANYMAIL_WEBHOOKS = bool(ANYMAIL.get("WEBHOOK_SECRET"))

SMS_PROVIDER = env.read_str("SMS_PROVIDER", "console")
SMS_RATE_PER_SECOND = env.read_int("SMS_RATE_PER_SECOND", 10)
TWILIO_API_URL = env.read_str("TWILIO_API_URL", "https://api.twilio.com").rstrip("/")
TWILIO_ACCOUNT_SID = env.read_str("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = env.read_str("TWILIO_AUTH_TOKEN")
TWILIO_FROM = env.read_str("TWILIO_FROM")  # a number, a sender's name or the sid of a messaging service
ALIYUN_SMS_API_URL = env.read_str("ALIYUN_SMS_API_URL", "https://dysmsapi.aliyuncs.com").rstrip("/")
ALIYUN_ACCESS_KEY_ID = env.read_str("ALIYUN_ACCESS_KEY_ID")
ALIYUN_ACCESS_KEY_SECRET = env.read_str("ALIYUN_ACCESS_KEY_SECRET")
ALIYUN_SMS_SIGN_NAME = env.read_str("ALIYUN_SMS_SIGN_NAME")
ALIYUN_SMS_TEMPLATES = env.read_map("ALIYUN_SMS_TEMPLATES")  # checkin_reminder.zh-hans=SMS_1234, …
ALIYUN_SMS_CALLBACK_TOKEN = env.read_str("ALIYUN_SMS_CALLBACK_TOKEN")

# How long a worker may take for a message before it counts as dead. Longer than the tasks' hard time limit.
NOTIFICATIONS_LEASE_SECONDS = env.read_int("NOTIFICATIONS_LEASE_SECONDS", 150, minimum=1)
# Hosts that outbound HTTP may reach at private addresses (meeteasy/core/http_client.py).
OUTBOUND_PRIVATE_HOSTS = env.read_list("OUTBOUND_PRIVATE_HOSTS")
OUTBOUND_TIMEOUT_SECONDS = env.read_int("OUTBOUND_TIMEOUT_SECONDS", 15, minimum=1)

# --- Conversion of files (docs/conversion.md) --------------------------------------------------------------

# LibreOffice's program: a name in PATH, or a path.
SOFFICE = env.read_str("SOFFICE", "soffice")
# Insecure: documents of strangers can then read files of this machine and reach its network.
CONVERT_WITHOUT_SANDBOX = env.read_bool("CONVERT_WITHOUT_SANDBOX")
# How long a worker that says nothing counts as alive. It renews its lease while the program runs.
CONVERT_LEASE_SECONDS = env.read_int("CONVERT_LEASE_SECONDS", 45, minimum=15)
# Time of each step, of at most two. Address space of each process; real memory is a fraction of it.
CONVERT_TIMEOUT_SECONDS = env.read_int("CONVERT_TIMEOUT_SECONDS", 120, minimum=1)
CONVERT_MEMORY_BYTES = env.read_int("CONVERT_MEMORY_BYTES", 2 * 1024**3, minimum=256 * 1024**2)
CONVERT_MAX_INPUT_BYTES = env.read_int("CONVERT_MAX_INPUT_BYTES", 50 * 1024**2, minimum=1)
CONVERT_MAX_PAGES = env.read_int("CONVERT_MAX_PAGES", 500, minimum=1)
CONVERT_MAX_PIXELS = env.read_int("CONVERT_MAX_PIXELS", 100_000_000, minimum=1)
CONVERT_MAX_PAGE_PIXELS = 25_000_000
CONVERT_MAX_OUTPUT_BYTES = 256 * 1024**2
# The sandbox's folder is in memory: LibreOffice's profile, its temporary files, the PDF.
CONVERT_FOLDER_BYTES = 512 * 1024**2
# Of each conference: bytes of files and results, and conversions that wait or run.
CONVERT_QUOTA_BYTES = env.read_int("CONVERT_QUOTA_BYTES", 2 * 1024**3, minimum=1)
CONVERT_MAX_WAITING = env.read_int("CONVERT_MAX_WAITING", 50, minimum=1)
CONVERT_KEEP_DAYS = env.read_int("CONVERT_KEEP_DAYS", 90, minimum=1)

# --- Event pages -----------------------------------------------------------------------------------------

# Who writes the text of a page, a file of visuspace/providers: "template" works offline.
PAGE_PROVIDER = env.read_str("PAGE_PROVIDER", "template")
AI_BASE_URL = env.read_str("AI_BASE_URL", "https://api.openai.com/v1")
AI_API_KEY = env.read_str("AI_API_KEY")
AI_MODEL = env.read_str("AI_MODEL")
# For a whole text, however slowly it arrives. The task's own limit is 240 seconds.
AI_DEADLINE_SECONDS = env.read_int("AI_DEADLINE_SECONDS", 120, minimum=1)
# Prices of a million tokens read and written, in your currency, for the recorded cost.
AI_PRICE_IN, AI_PRICE_OUT = env.read_int("AI_PRICE_IN", 0), env.read_int("AI_PRICE_OUT", 0)
# How long a worker may take for a text before it counts as dead. Longer than the task's limit.
GENERATION_LEASE_SECONDS = env.read_int("GENERATION_LEASE_SECONDS", 270, minimum=1)
# Of a conference and its day. What generations cost is known afterwards, so the last one may go beyond.
GENERATIONS_PER_DAY = env.read_int("GENERATIONS_PER_DAY", 50, minimum=1)
AI_COST_PER_DAY = env.read_int("AI_COST_PER_DAY", 0)  # 0: any
if PAGE_PROVIDER == "openai" and not AI_MODEL:
    raise ImproperlyConfigured("PAGE_PROVIDER=openai needs AI_MODEL, the name of a model of AI_BASE_URL")
if AI_DEADLINE_SECONDS > 180:
    raise ImproperlyConfigured("AI_DEADLINE_SECONDS is at most 180, so that a task outlives it")

# --- API -------------------------------------------------------------------------------------------------

# Origins whose pages may call the API with a token. Cookies of other origins never count. What is public
# (registering, events) any origin may do; see conferences/receivers.py and analytics/ingest.
CORS_ALLOWED_ORIGINS = env.read_list("CORS_ALLOWED_ORIGINS")
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [
    *default_headers, "idempotency-key", "traceparent", "tracestate", "baggage", "sentry-trace",
]  # fmt: skip
CORS_EXPOSE_HEADERS = ["retry-after", "content-disposition"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "meeteasy.core.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],  # closed by default
    "DEFAULT_PARSER_CLASSES": [
        "meeteasy.core.json_input.StrictJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["meeteasy.core.json_output.JSONFormat"],
    "DEFAULT_PAGINATION_CLASS": "meeteasy.core.http.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "meeteasy.core.openapi.Schema",
    "EXCEPTION_HANDLER": "meeteasy.core.http.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "MeetEasy API",
    "DESCRIPTION": "Analytics, share attribution and notifications of the MeetEasy conference platform.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",  # whose schemas are JSON Schema, as those of the event types are
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "FileConversionStatusEnum": "conversion.api.serializers.STATUSES",
        "JobStatusEnum": "meeteasy.core.slices.SlicedJob.Status",
        "HoldActionEnum": "analytics.models.HoldDecision.Action",
        "AliasKindEnum": "conferences.models.Alias.Kind",
        "EventKeyKindEnum": "conferences.models.EventKey.Kind",
        "VoidKindEnum": "sharing.models.Void.Kind",
        "AnnouncementKind": "notifications.models.Announcement.Kind",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "meeteasy.core.openapi.describe_shared_parts",
        "analytics.api.schema.add_ingest_endpoint",
    ],
}

# --- Logs ------------------------------------------------------------------------------------------------

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"structured": {"()": "meeteasy.core.logs.make_formatter"}},
    "filters": {"sparse": {"()": "meeteasy.core.logs.SparseSecurity"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "structured", "filters": ["sparse"]}
    },
    "root": {"handlers": ["stderr"], "level": env.read_choice("LOG_LEVEL", _LEVELS, "INFO")},
    "loggers": {
        # Its INFO line per message adds nothing to the tasks' own lines.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.worker.request": {"level": "WARNING"},  # "Discarding revoked task": a tick that came too late
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
        # It logs whole addresses, and a provider's may hold phone numbers.
        "httpx": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
    },
}
# Lines that count (batches taken, events stored) come once in this time, from each process.
LOG_TALLY_SECONDS = env.read_int("LOG_TALLY_SECONDS", 1, minimum=1)
# What `bin/run` prints: "calm" is about a line a second, "all" is all of them.
LOG_LINES = env.read_choice("LOG_LINES", ("calm", "all"), "calm")
LOG_FORMAT = env.read_choice(
    "LOG_FORMAT", ("text", "json"), "text"
)  # "text" for people, "json" for log collectors

# Sourced by bin/run and bin/manage: the environment of a machine that was set up by bin/run.
# What the caller's environment says goes before what .env says.
if [ -f .env ]; then given=$(export -p); set -a; . ./.env; set +a; eval "$given"; fi
export DATA_DIR="${DATA_DIR:-$PWD/var}"
umask 077  # what is in there is personal
mkdir -p "$DATA_DIR"
if [ -z "${SECRET_KEY:-}" ] && [ -z "${SECRET_KEY_FILE:-}" ]; then
  export SECRET_KEY_FILE="$DATA_DIR/secret_key"
  if [ ! -s "$SECRET_KEY_FILE" ]; then
    (umask 077; .venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(50))' > "$SECRET_KEY_FILE")
  fi
fi
# Without a mail server, mails are kept for /dev/mailbox instead of failing.
if [ -z "${EMAIL_PROVIDER:-}${EMAIL_URL:-}${EMAIL_URL_FILE:-}${EMAIL_HOST:-}" ]; then
  export DEVELOPMENT_MAILBOX="${DEVELOPMENT_MAILBOX:-true}"
fi

#!/usr/bin/env bash
# Installs and starts the servers that marked tests use, on loopback: PostgreSQL (Debian package).
# S3 needs nothing here: the tests start moto's server themselves.
set -euo pipefail

dir=${HEADRACE_SERVICES_DIR:-/tmp/headrace-services}
port=${HEADRACE_TEST_POSTGRES_PORT:-55432}

find_postgres() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }

as_postgres() { if [ "$(id -u)" = 0 ]; then su postgres -s /bin/bash -c "$1"; else bash -c "$1"; fi; }

start() {
  bin=$(find_postgres)
  if [ -z "$bin" ] || [ ! -x "$bin/initdb" ]; then
    if [ "$(id -u)" != 0 ]; then
      echo "services: PostgreSQL is not installed; run as root, or: sudo apt-get install postgresql" >&2
      exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends postgresql >/dev/null
    bin=$(find_postgres)
  fi
  mkdir -p "$dir"
  if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; fi
  if [ ! -f "$dir/pg/PG_VERSION" ]; then
    as_postgres "'$bin/initdb' -D '$dir/pg' -A trust -U headrace --no-sync >/dev/null"
  fi
  if ! as_postgres "'$bin/pg_ctl' -D '$dir/pg' status >/dev/null"; then
    as_postgres "'$bin/pg_ctl' -D '$dir/pg' -w -l '$dir/pg.log' -o '-p $port -h 127.0.0.1 -k $dir' start >/dev/null"
  fi
  echo "services: PostgreSQL on 127.0.0.1:$port"
}

stop() {
  bin=$(find_postgres)
  if [ -n "$bin" ] && [ -f "$dir/pg/PG_VERSION" ]; then as_postgres "'$bin/pg_ctl' -D '$dir/pg' -m fast stop" || true; fi
}

case ${1:-start} in
  start) start ;;
  stop) stop ;;
  *) echo "usage: $0 start|stop" >&2; exit 2 ;;
esac

#!/usr/bin/env bash
# Installs and starts the servers that marked tests use, on loopback: PostgreSQL, MariaDB, Redis, sshd (Debian packages),
# Spark (PyPI, in a virtual environment of its own; Java from Debian); and installs Chromium. S3 needs nothing here: the
# tests start moto's server themselves. Without names all of them:
# services.sh start [postgres] [sshd] [mariadb] [redis] [spark] [chromium]
set -euo pipefail

dir=${HEADRACE_SERVICES_DIR:-/tmp/headrace-services}
port=${HEADRACE_TEST_POSTGRES_PORT:-55432}
mariadb_port=${HEADRACE_TEST_MARIADB_PORT:-55306}
spark_port=${HEADRACE_TEST_SPARK_PORT:-55002}
hive_port=${HEADRACE_TEST_HIVE_PORT:-55010}
mariadb="$dir/mariadb"
redis_port=${HEADRACE_TEST_REDIS_PORT:-55379}
redis_cluster_port=${HEADRACE_TEST_REDIS_CLUSTER_PORT:-55380}
redis="$dir/redis"
spark="$dir/spark"
sshd_dir=$dir-sshd
sshd_port=${HEADRACE_TEST_SSHD_PORT:-55422}

as() { if [ "$(id -u)" = 0 ]; then su "$1" -s /bin/bash -c "$2"; else bash -c "$2"; fi; }

install_packages() { # what for, names
  if [ "$(id -u)" != 0 ]; then
    echo "services: $1 is not installed; run as root, or: sudo apt-get install ${*:2}" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o DPkg::Lock::Timeout=300 update -qq
  apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${@:2}" >/dev/null
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

await() { # name, port, log, process if known
  for _ in $(seq 240); do
    if answers "$2"; then echo "services: $1 on 127.0.0.1:$2"; return; fi
    if [ -n "${4:-}" ] && ! kill -0 "$4" 2>/dev/null; then break; fi
    sleep 0.5
  done
  echo "services: $1 does not answer on port $2; its log ends:" >&2
  tail -n 20 "$3" >&2
  exit 1
}

find_postgres() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }

start_postgres() {
  bin=$(find_postgres)
  if [ -z "$bin" ] || [ ! -x "$bin/initdb" ]; then
    install_packages PostgreSQL postgresql
    bin=$(find_postgres)
  fi
  mkdir -p "$dir"
  if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; fi
  if [ ! -f "$dir/pg/PG_VERSION" ]; then
    as postgres "'$bin/initdb' -D '$dir/pg' -A trust -U headrace --no-sync >/dev/null"
    # Tests make a database each: little log is kept, and nothing here need outlive the machine.
    as postgres "printf '%s\n' 'fsync = off' 'full_page_writes = off' 'max_wal_size = 256MB' >>'$dir/pg/postgresql.conf'"
  fi
  if ! as postgres "'$bin/pg_ctl' -D '$dir/pg' status >/dev/null"; then
    as postgres "'$bin/pg_ctl' -D '$dir/pg' -w -l '$dir/pg.log' -o '-p $port -h 127.0.0.1 -k $dir' start >/dev/null"
  fi
  echo "services: PostgreSQL on 127.0.0.1:$port"
}

stop_postgres() {
  bin=$(find_postgres)
  if [ -n "$bin" ] && [ -f "$dir/pg/PG_VERSION" ]; then as postgres "'$bin/pg_ctl' -D '$dir/pg' -m fast stop" || true; fi
}

start_mariadb() {
  if [ -z "$(command -v /usr/sbin/mariadbd mariadbd | head -n 1)" ]; then install_packages MariaDB mariadb-server; fi
  mkdir -p "$mariadb"
  if [ "$(id -u)" = 0 ]; then chown mysql "$mariadb"; fi
  if [ ! -d "$mariadb/data/mysql" ]; then
    as mysql "mariadb-install-db --no-defaults --datadir='$mariadb/data' --auth-root-authentication-method=normal \
      --skip-test-db >'$mariadb/install.log'"
  fi
  if ! answers "$mariadb_port"; then
    as mysql "PATH=\$PATH:/usr/sbin; nohup setsid mariadbd --no-defaults --datadir='$mariadb/data' \
      --bind-address=127.0.0.1 --port=$mariadb_port --socket='$mariadb/socket' --pid-file='$mariadb/pid' \
      --innodb-buffer-pool-size=64M --innodb-flush-log-at-trx-commit=0 --character-set-server=utf8mb4 \
      >'$mariadb/log' 2>&1 </dev/null &"
  fi
  await MariaDB "$mariadb_port" "$mariadb/log"
  as mysql "mariadb --no-defaults --socket='$mariadb/socket' -u root -e \
    \"CREATE USER IF NOT EXISTS headrace@'127.0.0.1' IDENTIFIED BY 'headrace-test'; \
    GRANT ALL ON *.* TO headrace@'127.0.0.1'\""
}

stop_mariadb() { if [ -f "$mariadb/pid" ]; then kill "$(cat "$mariadb/pid")" || true; fi; }

# A server with a password, and a cluster of one server, both in memory.
start_redis() {
  if [ -z "$(command -v redis-server)" ]; then install_packages Redis redis-server; fi
  mkdir -p "$redis"
  if ! answers "$redis_port"; then
    redis-server --bind 127.0.0.1 --port "$redis_port" --requirepass headrace-test --save '' --appendonly no \
      --dir "$redis" --daemonize yes --pidfile "$redis/pid" --logfile "$redis/log" >/dev/null
  fi
  await Redis "$redis_port" "$redis/log"
  if ! answers "$redis_cluster_port"; then
    rm -f "$redis/nodes.conf"
    redis-server --bind 127.0.0.1 --port "$redis_cluster_port" --cluster-enabled yes --cluster-config-file nodes.conf \
      --save '' --appendonly no --dir "$redis" --daemonize yes --pidfile "$redis/cluster-pid" \
      --logfile "$redis/cluster-log" >/dev/null
  fi
  await "a Redis cluster" "$redis_cluster_port" "$redis/cluster-log"
  if ! redis-cli -p "$redis_cluster_port" cluster info | grep -q 'cluster_slots_assigned:16384'; then
    redis-cli -p "$redis_cluster_port" cluster addslotsrange 0 16383 >/dev/null
  fi
  for _ in $(seq 120); do
    if redis-cli -p "$redis_cluster_port" cluster info | grep -q 'cluster_state:ok'; then return; fi
    sleep 0.5
  done
  echo "services: the Redis cluster is not ready" >&2
  exit 1
}

stop_redis() {
  for file in pid cluster-pid; do if [ -f "$redis/$file" ]; then kill "$(cat "$redis/$file")" || true; fi; done
}

# One Java process serves Spark Connect and HiveServer2's protocol on the same tables, all in memory or below $spark. Tests
# name the Python of its executors themselves.
start_spark() {
  if [ -z "$(command -v java)" ]; then install_packages Java openjdk-17-jre-headless; fi
  if [ ! -x "$spark/venv/bin/spark-submit" ]; then
    mkdir -p "$spark"
    "${PYTHON:-python3}" -m venv "$spark/venv"
    "$spark/venv/bin/python" -m pip install -q "pyspark>=4.1,<5"
  fi
  if ! answers "$spark_port"; then
    rm -rf "$spark/run"
    mkdir -p "$spark/run"
    printf 'rootLogger.level = warn\nrootLogger.appenderRef.stderr.ref = stderr\nappender.stderr.type = Console
appender.stderr.name = stderr\nappender.stderr.target = SYSTEM_ERR\nappender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %%d %%p %%c: %%m%%n%%ex\n' >"$spark/run/log4j2.properties"
    (
      cd "$spark/run"
      export SPARK_LOCAL_IP=127.0.0.1
      SPARK_HOME=$("$spark/venv/bin/python" -c 'import importlib.util as i; print(i.find_spec("pyspark").origin[:-12])')
      export SPARK_HOME
      setsid nohup "$SPARK_HOME/bin/spark-submit" --master "local[2]" --driver-memory 1g \
        --class org.apache.spark.sql.hive.thriftserver.HiveThriftServer2 --name headrace-tests \
        --driver-java-options "-Dlog4j2.configurationFile=$spark/run/log4j2.properties" \
        --conf spark.plugins=org.apache.spark.sql.connect.SparkConnectPlugin \
        --conf spark.connect.grpc.binding.address=127.0.0.1 --conf "spark.connect.grpc.binding.port=$spark_port" \
        --conf spark.sql.catalogImplementation=hive --conf "spark.sql.warehouse.dir=$spark/run/warehouse" \
        --conf "spark.hadoop.javax.jdo.option.ConnectionURL=jdbc:derby:memory:metastore;create=true" \
        --conf spark.sql.shuffle.partitions=1 --conf spark.ui.enabled=false --conf spark.driver.host=127.0.0.1 \
        --hiveconf "hive.server2.thrift.port=$hive_port" --hiveconf hive.server2.thrift.bind.host=127.0.0.1 \
        >"$spark/log" 2>&1 </dev/null &
      echo $! >"$spark/pid"
    )
  fi
  await "Spark Connect" "$spark_port" "$spark/log" "$(cat "$spark/pid" 2>/dev/null)"
  await "Spark's HiveServer2" "$hive_port" "$spark/log"
}

stop_spark() { if [ -f "$spark/pid" ]; then kill "$(cat "$spark/pid")" || true; fi; }

# The sshd of the current user: its own host key, one key that may enter ($sshd_dir/client), no passwords.
start_sshd() {
  if [ ! -x /usr/sbin/sshd ]; then install_packages sshd openssh-server; fi
  if [ "$(id -u)" = 0 ]; then mkdir -p /run/sshd; fi
  mkdir -p -m 700 "$sshd_dir"
  if [ ! -O "$sshd_dir" ]; then echo "services: $sshd_dir belongs to somebody else" >&2; exit 1; fi
  for key in host client; do
    [ -f "$sshd_dir/$key" ] || ssh-keygen -q -t ed25519 -N '' -C "headrace-test-$key" -f "$sshd_dir/$key"
  done
  cp "$sshd_dir/client.pub" "$sshd_dir/authorized_keys"
  cat >"$sshd_dir/sshd_config" <<CONFIG
ListenAddress 127.0.0.1
Port $sshd_port
HostKey $sshd_dir/host
AuthorizedKeysFile $sshd_dir/authorized_keys
PidFile $sshd_dir/pid
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
MaxStartups 100
Subsystem sftp internal-sftp
CONFIG
  if ! sshd_runs; then /usr/sbin/sshd -f "$sshd_dir/sshd_config" -E "$sshd_dir/log"; fi
  echo "services: sshd on 127.0.0.1:$sshd_port"
}

sshd_runs() { [ -f "$sshd_dir/pid" ] && [ "$(cat "/proc/$(cat "$sshd_dir/pid")/comm" 2>/dev/null)" = sshd ]; }

stop_sshd() {
  if sshd_runs; then kill "$(cat "$sshd_dir/pid")"; fi
}

# The tests start the browser themselves, each its own.
start_chromium() {
  if [ -z "$(command -v chromium)" ]; then install_packages Chromium chromium; fi
  echo "services: $(command -v chromium)"
}

stop_chromium() { :; }

command=${1:-start}
shift || true
case $command in
  start | stop) for name in "${@:-postgres sshd mariadb redis spark chromium}"; do for each in $name; do "${command}_$each"; done; done ;;
  *) echo "usage: $0 start|stop [postgres] [sshd] [mariadb] [redis] [spark] [chromium]" >&2; exit 2 ;;
esac

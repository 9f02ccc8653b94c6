#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a program with an S3 server of its own: OpenStack Swift with its s3api.

    with_s3.py PROGRAM [ARG...]

Swift's four servers run in one process, on ports of 127.0.0.1 that the kernel chose and in a
temporary folder (of a file system that has extended attributes), as whoever runs this. The program
finds an empty bucket in EYRIE_TEST_S3 (s3://eyrie-test), the server and a key with all rights in
AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, the key of a user without
any right in EYRIE_TEST_S3_STRANGER, and in EYRIE_TEST_S3_SKEWED a server on the same bucket whose
clock is two hours ahead.
Exit code: the program's; 77 where Swift is not installed (python3-swift).
"""
import hashlib
import hmac
import http.client
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ACCOUNT, BUCKET, REGION = "test", "eyrie-test", "us-east-1"
KEY, SECRET = ACCOUNT + ":keeper", "known-to-the-tests-only"
STRANGER = ACCOUNT + ":stranger"

STORAGE_CONF = """[DEFAULT]
devices = {folder}
mount_check = false
swift_dir = {folder}
log_level = ERROR
fallocate_reserve = 0
[pipeline:main]
pipeline = app
[app:app]
use = egg:swift#{kind}
"""
PROXY_CONF = """[DEFAULT]
swift_dir = {folder}
log_level = ERROR
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth copy slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
node_timeout = 60
conn_timeout = 10
recoverable_node_timeout = 60
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = {region}
check_bucket_owner = true
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_keeper = {secret} .admin
user_{account}_stranger = {secret}
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
"""


class Cache:
    """What Swift keeps in memcached, as far as a few minutes of tests need it."""
    def __init__(self):
        self.values = {}

    def get(self, key, *arguments, **options):
        return self.values.get(key)

    def set(self, key, value, *arguments, **options):
        self.values[key] = value

    def delete(self, key, *arguments, **options):
        self.values.pop(key, None)

    def wrap(self, app):
        def wrapped(environ, start_response):
            environ["swift.cache"] = self
            return app(environ, start_response)
        return wrapped


def has_attributes(folder):
    name = os.path.join(folder, "attributes")
    try:
        with open(name, "w"):
            os.setxattr(name, "user.swift.metadata", b"x")
        return True
    except OSError:
        return False


def make_folder():
    for parent in (tempfile.gettempdir(), "/var/tmp", os.getcwd()):
        folder = tempfile.mkdtemp(prefix="eyrie-s3-", dir=parent)
        if has_attributes(folder):
            return folder
        shutil.rmtree(folder)
    return None


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def use_swift(folder):
    """What Swift would take from /etc/swift."""
    from swift.common import utils
    utils.SWIFT_CONF_FILE = write(folder, "swift.conf", "[swift-hash]\nswift_hash_path_suffix = eyrie\n"
                                  "[storage-policy:0]\nname = one\ndefault = yes\n")
    utils.HASH_PATH_SUFFIX = b"eyrie"
    from swift.common import storage_policy
    storage_policy.reload_storage_policies()
    return utils


def serve(folder, ready, ahead=0):
    """The process of the servers; writes the proxy's port to `ready`. `ahead`: the proxy alone."""
    import eventlet
    import eventlet.wsgi
    eventlet.patcher.monkey_patch(all=False, socket=True, select=True, thread=True)
    if ahead:
        real = time.time
        time.time = lambda: real() + ahead
    use_swift(folder)
    from swift.common.ring import RingBuilder
    from swift.common.wsgi import loadapp

    def start(conf):
        listener = eventlet.listen(("127.0.0.1", 0))
        # The application is made later, when the rings tell where the others are.
        return listener, conf

    def run(listener, conf):
        app = Cache().wrap(loadapp(conf))
        null = open(os.devnull, "w")
        eventlet.spawn(eventlet.wsgi.server, listener, app, log=null, debug=False, keepalive=True,
                       max_size=256)

    if not ahead:
        for kind in ("account", "container", "object"):
            conf = write(folder, kind + ".conf", STORAGE_CONF.format(folder=folder, kind=kind))
            listener, conf = start(conf)
            builder = RingBuilder(3, 1, 0)
            builder.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "device": "disk",
                             "port": listener.getsockname()[1], "weight": 1})
            builder.rebalance()
            builder.get_ring().save(os.path.join(folder, kind + ".ring.gz"))
            run(listener, conf)
    conf = write(folder, "proxy%d.conf" % ahead, PROXY_CONF.format(
        folder=folder, region=REGION, account=ACCOUNT, secret=SECRET))
    listener, conf = start(conf)
    run(listener, conf)
    os.write(ready, b"%d\n" % listener.getsockname()[1])
    os.close(ready)
    while True:
        eventlet.sleep(3600)


def fork_server(folder, ahead=0):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os.setpgid(0, 0)
        log = os.open(os.path.join(folder, "log%d" % ahead), os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        try:
            serve(folder, writer, ahead)
        except BaseException:  # this copy of the program must not go on as its parent
            import traceback
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as f:
        port = f.read().strip()
    if not port:
        with open(os.path.join(folder, "log%d" % ahead)) as f:
            sys.exit("the S3 server did not start:\n" + f.read())
    return pid, int(port)


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def make_bucket(port):
    host = "127.0.0.1:%d" % port
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    empty = hashlib.sha256(b"").hexdigest()
    names = "host;x-amz-content-sha256;x-amz-date"
    request = "PUT\n/%s\n\nhost:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n\n%s\n%s" % (
        BUCKET, host, empty, now, names, empty)
    scope = "%s/%s/s3/aws4_request" % (now[:8], REGION)
    text = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (now, scope, hashlib.sha256(request.encode()).hexdigest())
    key = sign(sign(sign(sign(("AWS4" + SECRET).encode(), now[:8]), REGION), "s3"), "aws4_request")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("PUT", "/" + BUCKET, headers={
        "Host": host, "x-amz-content-sha256": empty, "x-amz-date": now, "Content-Length": "0",
        "Authorization": "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
            KEY, scope, names, hmac.new(key, text.encode(), hashlib.sha256).hexdigest())})
    answer = connection.getresponse()
    if answer.status != 200:
        sys.exit("the S3 server makes no bucket: %d %s" % (answer.status, answer.read().decode()))


def stop(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def main():
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if arguments else 1
    try:
        import swift  # noqa: F401
    except ImportError:
        print("Swift is not installed (apt-get install python3-swift)")
        return 77
    folder = make_folder()
    if not folder:
        print("no file system with extended attributes for Swift")
        return 77
    os.mkdir(os.path.join(folder, "disk"))
    pids = []
    try:
        pid, port = fork_server(folder)
        pids.append(pid)
        make_bucket(port)
        pid, skewed = fork_server(folder, 7200)
        pids.append(pid)
        environment = dict(
            os.environ, EYRIE_TEST_S3="s3://" + BUCKET, AWS_ENDPOINT_URL="http://127.0.0.1:%d" % port,
            AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET, AWS_REGION=REGION,
            EYRIE_TEST_S3_STRANGER=STRANGER, EYRIE_TEST_S3_PID=str(pids[0]),
            EYRIE_TEST_S3_SKEWED="http://127.0.0.1:%d" % skewed, no_proxy="127.0.0.1")
        return subprocess.run(arguments, env=environment).returncode
    finally:
        for pid in pids:
            stop(pid)
        if os.environ.get("EYRIE_TEST_S3_KEEP"):
            print("left: " + folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

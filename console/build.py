#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Build the console and write it as a C table of embedded files; for src/server/meson.build.

Installs the libraries of package-lock.json into node_modules when they are not those that are
there, bundles with esbuild, and embeds. Where the libraries cannot be had (no network), the page
of --fallback is embedded in its place, unless --required.
"""
import argparse
import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def install():
    with open(os.path.join(HERE, 'package-lock.json'), 'rb') as f:
        want = hashlib.sha256(f.read()).hexdigest()
    stamp = os.path.join(HERE, 'node_modules', '.eyrie-lock-sha256')
    try:
        with open(stamp) as f:
            if f.read() == want:
                return
    except OSError:
        pass
    # Scripts of packages are not run: esbuild finds its binary without them.
    subprocess.run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund',
                    '--loglevel=error'], cwd=HERE, check=True)
    with open(stamp, 'w') as f:
        f.write(want)


def sources():
    yield from (os.path.join(HERE, n) for n in ('build.mjs', 'build.py', 'package-lock.json'))
    for top, _, names in os.walk(os.path.join(HERE, 'src')):
        yield from (os.path.join(top, n) for n in names)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--embed', required=True)
    p.add_argument('--fallback', required=True)
    p.add_argument('--depfile', required=True)
    p.add_argument('--required', action='store_true')
    p.add_argument('output')
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as temp:
        folder = os.path.join(temp, 'dist')
        try:
            # Two builds of one source tree may run at once (an ordinary and a sanitized one).
            with open(os.path.join(HERE, 'package.json')) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                install()
            subprocess.run(['node', os.path.join(HERE, 'build.mjs'), folder], check=True)
        except (OSError, subprocess.CalledProcessError) as e:
            if args.required:
                sys.exit('the console cannot be built: %s' % e)
            print('WARNING: the console cannot be built (%s); eyried will serve a page that says '
                  'so' % e, file=sys.stderr)
            folder = args.fallback
        subprocess.run([sys.executable, args.embed, folder, args.output], check=True)
    with open(args.depfile, 'w') as f:
        f.write('%s: %s\n' % (args.output, ' '.join(s.replace(' ', '\\ ') for s in sources())))


main()

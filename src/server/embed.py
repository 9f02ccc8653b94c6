#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the files of a folder as a C table of struct server_asset: embed.py FOLDER OUT.c"""
import gzip
import hashlib
import os
import sys

TYPES = {
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.svg': 'image/svg+xml',
    '.png': 'image/png',
    '.txt': 'text/plain; charset=utf-8',
    '.map': 'application/json',
}


def c_bytes(name, data):
    rows = (','.join(map(str, data[i:i + 32])) for i in range(0, len(data), 32))
    return 'static const unsigned char %s[] = {\n%s};\n' % (name, ',\n'.join(rows))


def main():
    folder, out = sys.argv[1:]
    files = []
    for top, _, names in os.walk(folder):
        for name in names:
            full = os.path.join(top, name)
            if os.path.splitext(name)[1] in TYPES:
                files.append(('/' + os.path.relpath(full, folder).replace(os.sep, '/'), full))
    text = ['/* Made by src/server/embed.py. */\n#include "server/assets.h"\n']
    table = []
    for i, (path, full) in enumerate(sorted(files, key=lambda f: f[0].encode())):
        with open(full, 'rb') as f:
            data = f.read()
        packed = gzip.compress(data, 9, mtime=0)
        text.append(c_bytes('data_%d' % i, data))
        small = len(packed) < len(data) * 9 // 10
        if small:
            text.append(c_bytes('gzip_%d' % i, packed))
        table.append('\t{"%s", "%s", data_%d, %d, %s, "\\"%s\\""},\n' % (
            path, TYPES[os.path.splitext(path)[1]], i, len(data),
            'gzip_%d, %d' % (i, len(packed)) if small else '0, 0',
            hashlib.sha256(data).hexdigest()[:24]))
    text.append('const struct server_asset server_assets[] = {\n%s};\n' % ''.join(table))
    text.append('const size_t server_asset_count = %d;\n' % len(table))
    with open(out, 'w') as f:
        f.write('\n'.join(text))


main()

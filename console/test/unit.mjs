// SPDX-License-Identifier: GPL-2.0-or-later
// The console's words and numbers, without a browser: node --test console/test/unit.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { build } from 'esbuild';

const here = new URL('..', import.meta.url).pathname;
async function load(path) {
  const result = await build({
    absWorkingDir: here, entryPoints: [path], bundle: true, write: false, format: 'esm', platform: 'node',
    jsx: 'automatic', jsxImportSource: 'preact', loader: { '.css': 'empty' },
  });
  return import(`data:text/javascript;base64,${Buffer.from(result.outputFiles[0].contents).toString('base64')}`);
}
const format = await load('src/format.ts');
const trace = await load('src/pages/trace.tsx');
const lines = await load('src/ui/line.tsx');
const tabs = await load('src/pages/crash_tabs.tsx');
const events = await load('src/events.ts');
const api = await load('src/api.ts');
const steady = await load('src/ui/steady.ts');

test('spans are read at a glance', () => {
  const want = { 0: '0 s', 59: '59 s', 60: '1 min', 3600: '1 h', 7500: '2 h 5 min', 36000: '10 h', 172800: '2 d', 180000: '2 d 2 h', 8640000: '100 d' };
  for (const [s, text] of Object.entries(want)) assert.equal(format.span(Number(s)), text);
  assert.equal(format.span(-5), '0 s');
});

test('ages are never negative', () => {
  const now = Date.parse('2026-11-23T12:00:00Z');
  assert.equal(format.ago('2026-11-23T11:58:00Z', now), '2 min ago');
  assert.equal(format.ago('2026-11-23T12:00:30Z', now), 'just now');
  assert.equal(format.ago('2026-11-23T13:00:00Z', now), 'in 1 h');
});

test('bytes and counts', () => {
  assert.equal(format.bytes(999), '999 B');
  assert.equal(format.bytes(16727245), '16.7 MB');
  assert.equal(format.bytes(161e9), '161 GB');
  assert.equal(format.plural(1, 'crash', 'crashes'), '1 crash');
  assert.equal(format.plural(1234, 'crash', 'crashes'), '1,234 crashes');
});

test('frames are written as the kernel does', () => {
  const f = { function: 'vfs_write', offset: 0xc7, size: 0x3f0, module: null, reliable: true };
  assert.equal(trace.frameText(f), 'vfs_write+0xc7/0x3f0');
  assert.equal(trace.frameText({ ...f, module: 'ext4' }), 'vfs_write+0xc7/0x3f0 [ext4]');
  assert.equal(trace.frameText({ ...f, offset: null, size: null }), 'vfs_write');
  assert.equal(trace.frameText({ ...f, function: null, address: 'ffffffff81000000' }), 'ffffffff81000000');
  assert.equal(trace.sourceName('direct_entry.cold'), 'direct_entry');
  assert.equal(trace.sourceName('foo.isra.0'), 'foo');
  assert.equal(trace.sourceName('foo.constprop.3.cold'), 'foo');
  assert.equal(trace.sourceName(undefined), '');
});

test('a line that is asked for before the log is there is shown when it comes', () => {
  const seen = [];
  let opened = 0;
  const view = lines.makeLogView(() => opened++);
  const log = { point: (n) => seen.push(['point', n]), jump: (n) => seen.push(['jump', n]) };
  view.point(3);
  view.jump(7);
  assert.deepEqual([opened, seen], [1, []]);
  const detach = view.attach(log);
  view.point(9);
  detach();
  view.point(10);
  assert.deepEqual(seen, [['jump', 7], ['point', 9]]);
  assert.equal(opened, 1);
});

test('registers are those of the kernel, not of the system call before', () => {
  const got = Object.fromEntries(tabs.registersOf([
    '[    5.499885] RSP: 0018:ffffd0a540433c90 EFLAGS: 00000282',
    '[    5.500001] RAX: ffffffffc04b9640 RBX: 0000000000000004 RCX: c0000000ffffefff',
    '[    5.501085] CR2: 0000000000559c5a CR3: 0000000015f6a000 CR4: 0000000000750ee0',
    '[    5.501702] RIP: 0033:0x47b7a0',
    '[    5.501702] RSP: 002b:00007ffe47f89b08 EFLAGS: 00000202 ORIG_RAX: 0000000000000001',
  ]));
  assert.equal(got.RSP, '0018:ffffd0a540433c90');
  assert.equal(got.RAX, 'ffffffffc04b9640');
  assert.equal(got.CR2, '0000000000559c5a');
  assert.equal(got.ORIG_RAX, undefined);
});

test('events are read however the stream is cut', () => {
  const stream = 'retry: 3000\n\nid: 7\nevent: crash\ndata: {"id":7}\n\n:\n\nid: 8\r\nevent: alert-fired\r\ndata: {"text":"event: job"}\r\n\r\nid: 9\nevent: reset\ndata: {}\n\n';
  const whole = new events.EventParser();
  assert.deepEqual(whole.feed(stream), ['crash', 'alert-fired', 'reset']);
  assert.equal(whole.lastId, '9');
  for (let size = 1; size < 9; size++) {
    const parser = new events.EventParser();
    const names = [];
    for (let i = 0; i < stream.length; i += size) names.push(...parser.feed(stream.slice(i, i + size)));
    assert.deepEqual(names, ['crash', 'alert-fired', 'reset'], `pieces of ${size}`);
  }
  assert.deepEqual(new events.EventParser().feed('event: crash\ndata: {}\n'), [], 'not at its end yet');
  assert.throws(() => new events.EventParser().feed('<html>'.repeat(20_000)));
});

test('it is known which answers an event changes', () => {
  assert.equal(events.eventKind('alert-resolved'), 'alert');
  for (const path of ['/api/v1/overview', '/api/v1/crashes?limit=100', '/api/v1/crashes/7', '/api/v1/reasons/3', '/api/v1/hosts?q=x'])
    assert.ok(events.changedBy(path).includes('crash'), path);
  for (const path of ['/api/v1/users', '/api/v1/audit?limit=100', '/api/v1/holds', '/api/v1/reasons/3/history'])
    assert.deepEqual(events.changedBy(path), [], path);
});

test('rows stay where they are while somebody reads', () => {
  const id = (r) => r.id;
  const row = (n, text = '') => ({ id: n, text });
  const ids = (s) => [s.rows.map(id), s.waiting];
  assert.deepEqual(ids(steady.steadyRows([row(3), row(2)], [row(5), row(4), row(3), row(2)], id)), [[3, 2], 2]);
  assert.deepEqual(ids(steady.steadyRows([row(3), row(2)], [row(2), row(3)], id)), [[3, 2], 0], 'another order waits, too');
  assert.deepEqual(ids(steady.steadyRows([row(3), row(2)], [row(3), row(2), row(1)], id)), [[3, 2, 1], 0], 'more rows come behind');
  assert.deepEqual(ids(steady.steadyRows([row(3), row(2)], [row(4), row(3)], id)), [[3, 2], 1], 'what fell off the list stays in view');
  assert.deepEqual(ids(steady.steadyRows([row(3)], [row(9), row(8)], id)), [[3], 2]);
  assert.equal(steady.steadyRows([row(3, 'old')], [row(3, 'new')], id).rows[0].text, 'new');
});

test('what steers terminals or turns text around is shown as its code', () => {
  assert.equal(api.visible('a\x1b[2Jb\u202ec\x00'), 'a\\u001b[2Jb\\u202ec\\u0000');
  const plain = 'Zürich ☃ 日本語 שלום \t x\r\ny\n';
  assert.equal(api.visible(plain), plain);
});

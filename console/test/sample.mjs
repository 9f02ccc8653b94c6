// SPDX-License-Identifier: GPL-2.0-or-later
// A real dump, from the file to the page: sample.mjs EYRIED SAMPLES CRASH-TEXTS [SCREENSHOT-FOLDER]
//
// `eyried ingest` takes in the three sample dumps, the crash utility reads one of them, eyried serves, and
// Chromium shows the crash with its reason, its alert, its log, what crash said, and its dump, which is held
// and then damaged. A script stands in for crash: it prints what the real one wrote of the sample, with two
// answers changed and a text in it that tries to be HTML. Prints a line a check (TAP); exit code 1 where one failed.
import assert from 'node:assert/strict';
import { chmodSync, closeSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Center, check, launch, run, visit } from './harness.mjs';

const [eyried, samples, texts, shots] = process.argv.slice(2);
const HOSTILE = '<img src=x onerror="document.title=1"></pre><script>document.title=2</script>';
// The samples are of November 2026 and stay so: alerts of any age count here.
const center = new Center(eyried, 'purge_interval = 0', '[monitor]', 'max_age = 0');
center.lines.push('[symbols]', `path = ${center.temp}/symbols`, '[analysis]', `crash = ${center.temp}/crash`, `debug_path = ${center.temp}/none`);
let browser;

/** An ELF file with a build id and, it says, debuginfo: what a vmlinux is recognized by. */
function elf(buildId) {
  const id = Buffer.from(buildId, 'hex');
  const note = Buffer.concat([Buffer.from(new Uint32Array([4, id.length, 3]).buffer), Buffer.from('GNU\0'), id]);
  const names = Buffer.from('\0.note.gnu.build-id\0.debug_info\0.shstrtab\0');
  const sections = [[0, 0, 0, 0], [1, 7, 64, note.length], [20, 1, 64, 0], [32, 3, 64 + note.length, names.length]];
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01\x01', 0, 'latin1');
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(62, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(64 + note.length + names.length), 40);
  for (const [at, value] of [[52, 64], [58, 64], [60, sections.length], [62, 3]]) header.writeUInt16LE(value, at);
  const table = sections.map(([name, type, offset, size]) => {
    const s = Buffer.alloc(64);
    s.writeUInt32LE(name, 0);
    s.writeUInt32LE(type, 4);
    s.writeBigUInt64LE(BigInt(offset), 24);
    s.writeBigUInt64LE(BigInt(size), 32);
    s.writeBigUInt64LE(1n, 48);
    return s;
  });
  return Buffer.concat([header, note, names, ...table]);
}

async function look() {
  browser = await launch();
  const me = await visit(browser, center, shots);
  const { page } = me;
  const { crashes } = await center.until('/api/v1/crashes?q=lkdtm_BUG', (a) => a.crashes?.length === 1);
  const [crash] = crashes;
  await me.go(`/crashes/${crash.id}`);
  await check('the crash of the sample dump has its reason', async () => {
    await page.getByRole('heading', { level: 1, name: 'kernel BUG in lkdtm_BUG' }).waitFor();
    await page.locator('.title-key', { hasText: 'g1:BUG:lkdtm_BUG' }).waitFor();
    await page.getByText('lkdtm_BUG+0x5', { exact: true }).first().waitFor();
    for (const text of ['kdt-guest', '6.1.0-56-amd64', 'QEMU Standard PC', 'kdt-crasher', 'pid 148'])
      await page.locator('.facts', { hasText: text }).first().waitFor();
  });
  await check('its alert: the host crashed three times', async () => {
    await page.locator('.alert-firing', { hasText: 'kdt-guest crashed 3 times' }).first().waitFor();
  });
  await check('its call trace names who is blamed', async () => {
    const guilty = await page.locator('.trace .frame-guilty .frame-name').innerText();
    assert.ok(guilty.startsWith('lkdtm_BUG'), guilty);
  });
  await check('its log stands at the oops, which is marked', async () => {
    const marked = page.locator('.line-event');
    await marked.first().waitFor();
    const text = (await marked.allInnerTexts()).join('\n');
    assert.match(text, /kernel BUG at .*bugs\.c:78!/);
    assert.match(text, /RIP: 0010:lkdtm_BUG\+0x5\/0x10 \[lkdtm\]/);
    const inView = await page.locator('.log').evaluate((log) => {
      const line = log.querySelector('.line-event').getBoundingClientRect();
      const box = log.getBoundingClientRect();
      return line.top >= box.top && line.bottom <= box.bottom;
    });
    assert.ok(inView, 'first line of the event is in view');
  });
  await check('what is pointed at is marked in the log', async () => {
    await page.locator('.facts .from-line', { hasText: 'pid 148' }).hover();
    assert.match(await page.locator('.line-spot').innerText(), /CPU: \d+ PID: 148 Comm: kdt-crasher .*Tainted: /);
    await page.getByRole('button', { name: /^Exact key: line \d+ of the kernel log$/ }).click();
    assert.match(await page.locator('.line-spot').innerText(), /RIP: 0010:lkdtm_BUG\+0x5\/0x10/);
  });
  await check('its analysis is what crash users know', async () => {
    await page.getByRole('tab', { name: 'Analysis' }).click();
    for (const text of ['#0 [', 'machine_kexec at', '[exception RIP: lkdtm_BUG+5]']) await page.getByText(text).first().waitFor();
  });
  await me.shot('sample');

  await check('crash has no symbols: the page says which build id is missing', async () => {
    center.command(null, 'crash-run', String(crash.id));
    await page.getByRole('tab', { name: 'crash', exact: true }).click();
    await me.seen(/no symbols for build id [0-9a-f]{40}; add them with/);
  });

  await check('what crash said stands beside the native analysis, with what differs', async () => {
    const { build_id: buildId } = await center.api(`/api/v1/crashes/${crash.id}/crash`);
    writeFileSync(join(center.temp, 'vmlinux'), elf(buildId));
    center.command(null, 'symbols', 'add', join(center.temp, 'vmlinux'));
    center.command(null, 'crash-run', String(crash.id));
    await me.go(`/crashes/${crash.id}?tab=crash`);
    const differ = page.getByRole('table', { name: 'Where the two differ' });
    await differ.getByRole('row', { name: /cpus 2 7/ }).waitFor();
    const native = page.getByRole('region', { name: 'Native analysis' });
    const crashs = page.getByRole('region', { name: 'crash', exact: true });
    for (const side of [native, crashs]) await side.getByText('[exception RIP: lkdtm_BUG+5]').first().waitFor();
    await crashs.getByText(HOSTILE).waitFor();
    assert.equal(await page.locator('main img, main script').count(), 0);
    const [left, right] = [await native.boundingBox(), await crashs.boundingBox()];
    assert.ok(left.x + left.width <= right.x + 1 && Math.abs(left.y - right.y) < 2, 'beside each other');
    await me.shot('crash-utility', { fullPage: true });
  });

  const dump = page.getByRole('region', { name: 'Dump' });
  await check('its dump is held, says who and why, and is let go', async () => {
    await dump.getByRole('button', { name: 'Hold…' }).click();
    const dialog = page.locator('dialog[open]');
    await dialog.getByLabel('Why').fill('the vendor <b>asks</b> for it');
    await dialog.getByLabel('Until the day').fill('2099-12-31');
    await dialog.getByLabel('Your name').fill('Kim');
    await dialog.getByRole('button', { name: 'Hold', exact: true }).click();
    await dump.getByText('the vendor <b>asks</b> for it').waitFor();
    await dump.getByText('until 2099-12-31 00:00:00 UTC').waitFor();
    const { holds } = await center.api('/api/v1/holds');
    assert.deepEqual(holds.map((h) => [h.scope, h.subject, h.who]), [['crash', crash.id, 'Kim']]);
    await me.shot('crash-held', { fullPage: true });
    await dump.getByRole('button', { name: 'Lift…' }).click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Lift' }).click();
    await dump.locator('.holds').waitFor({ state: 'detached' });
    assert.deepEqual((await center.api('/api/v1/holds')).holds, []);
  });

  await check('a hold on its reason is seen on both pages', async () => {
    await me.go(`/reasons/${crash.reason.id}`);
    await page.getByRole('button', { name: 'Hold the dumps…' }).click();
    const dialog = page.locator('dialog[open]');
    await dialog.getByLabel('Why').fill('case 4711');
    await dialog.getByRole('button', { name: 'Hold', exact: true }).click();
    await page.getByRole('list', { name: 'Holds' }).getByText('case 4711').waitFor();
    await me.go(`/crashes/${crash.id}`);
    await dump.getByText('case 4711').waitFor();
    await dump.getByRole('link', { name: 'reason' }).click();
    await page.waitForURL(/\/reasons\/\d+$/);
    await page.getByRole('button', { name: 'Lift…' }).click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Lift' }).click();
    await page.getByRole('list', { name: 'Holds' }).waitFor({ state: 'detached' });
  });

  await check('a damaged dump is said to be damaged', async () => {
    const folder = join(center.repository, crash.path);
    const fd = openSync(join(folder, readdirSync(folder).find((f) => f.startsWith('vmcore'))), 'r+');
    writeSync(fd, Buffer.from('damaged'), 0, 7, 4096);
    closeSync(fd);
    assert.throws(() => center.command(null, 'scrub', '--every', '0', '--rate', '0'), (e) => e.status === 2, 'it found damage');
    await me.go(`/crashes/${crash.id}`);
    await dump.getByRole('alert').filter({ hasText: 'The dump is damaged' }).waitFor();
    await me.shot('crash-damaged', { fullPage: true });
  });

  await check('nothing was complained of', me.clean);
}

async function main() {
  const text = readFileSync(join(texts, 'bug-6.1.crash9.txt'), 'latin1').replace('CPUS: 2', 'CPUS: 7').replace('UPTIME: ', 'UPTIME: 9');
  writeFileSync(join(center.temp, 'crash.txt'), `${text}\n${HOSTILE}\n`, 'latin1');
  writeFileSync(join(center.temp, 'crash'), `#!/bin/sh\ncat ${center.temp}/crash.txt\n`);
  chmodSync(join(center.temp, 'crash'), 0o755);
  center.configure(0);
  for (const name of ['bug-6.1', 'null-6.1-cloud', 'null-6.12']) center.command(null, 'ingest', join(samples, `${name}.vmcore`));
  await center.start();
  await look();
  await check('the server ends when told to', () => center.stop());
}

await run(main, async () => {
  await browser?.close();
  await center.remove();
});

// SPDX-License-Identifier: GPL-2.0-or-later
// A real dump, from the file to the page: sample.mjs EYRIED SAMPLES [SCREENSHOT]
//
// `eyried ingest` takes in the three sample dumps, eyried serves, and Chromium shows the crash of the
// first with its reason, its alert and its log. Prints a line a check (TAP); exit code 1 where one failed.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const [eyried, samples, shot] = process.argv.slice(2);
const temp = mkdtempSync(join(tmpdir(), 'eyrie-sample-'));
const config = join(temp, 'eyrie.conf');
let number = 0;
let failed = 0;

async function check(name, fn) {
  try {
    await fn();
    console.log(`ok ${++number} - ${name}`);
  } catch (e) {
    failed++;
    console.log(`not ok ${++number} - ${name}\n# ${String(e.stack ?? e).replaceAll('\n', '\n# ')}`);
  }
}

// The address stands in what eyried logs when it listens.
async function listening(server) {
  for await (const line of createInterface({ input: server.stderr })) {
    const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
    if (found) return found[0];
  }
  throw new Error('eyried ended before it listened');
}

async function look(base) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1500, height: 1300 } });
    page.setDefaultTimeout(15000);
    const { crashes } = await (await fetch(`${base}/api/v1/crashes?q=lkdtm_BUG`)).json();
    assert.equal(crashes.length, 1, 'crashes of lkdtm_BUG');
    await page.goto(`${base}/crashes/${crashes[0].id}`);
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
    if (shot) await page.screenshot({ path: shot });
  } finally {
    await browser.close();
  }
}

async function main() {
  // The samples are of November 2026 and stay so: alerts of any age count here.
  writeFileSync(config, ['[repository]', `path = ${temp}/repository`, '[database]', `path = ${temp}/eyrie.db`,
    '[monitor]', 'max_age = 0', '[server]', 'listen = 127.0.0.1:0', ''].join('\n'));
  for (const name of ['bug-6.1', 'null-6.1-cloud', 'null-6.12'])
    execFileSync(eyried, ['ingest', '--config', config, join(samples, `${name}.vmcore`)], { stdio: ['ignore', 'ignore', 'inherit'] });
  const server = spawn(eyried, ['serve', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  try {
    await look(await listening(server));
  } finally {
    server.kill('SIGTERM');
  }
  await check('the server ends when told to', async () => assert.equal(await ended, 0));
}

try {
  await main();
} catch (e) {
  failed++;
  console.log(`not ok ${++number} - ${String(e.stack ?? e).replaceAll('\n', '\n# ')}`);
} finally {
  rmSync(temp, { recursive: true, force: true });
}
console.log(`1..${number}`);
process.exit(failed ? 1 : 0);

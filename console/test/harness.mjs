// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests in a browser share: checks as TAP, an eyried of their own, Chromium that notes
// what a page complains of.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

let number = 0;
let failed = 0;

export async function check(name, fn) {
  try {
    await fn();
    console.log(`ok ${++number} - ${name}`);
  } catch (e) {
    failed++;
    console.log(`not ok ${++number} - ${name}\n# ${String(e.stack ?? e).replaceAll('\n', '\n# ')}`);
  }
}

/** An eyried on an empty database. */
export class Center {
  constructor(eyried, ...lines) {
    this.eyried = eyried;
    this.temp = mkdtempSync(join(tmpdir(), 'eyrie-browser-'));
    this.repository = join(this.temp, 'repository');
    this.lines = lines;
    mkdirSync(this.repository);
    this.configure(0);
  }

  configure(port) {
    this.config = join(this.temp, 'eyrie.conf');
    writeFileSync(this.config, [
      '[repository]', `path = ${this.repository}`, '[database]', `path = ${this.temp}/eyrie.db`,
      '[server]', `listen = 127.0.0.1:${port}`, 'populate_interval = 1s', 'monitor_interval = 1s', ...this.lines, '',
    ].join('\n'));
  }

  async start(port = 0) {
    this.configure(port);
    this.server = spawn(this.eyried, ['serve', '--config', this.config], { stdio: ['ignore', 'inherit', 'pipe'] });
    let log = '';
    this.server.stderr.on('data', (d) => { log += d; });
    for (let i = 0; i < 600; i++) {
      const found = /http:\/\/127\.0\.0\.1:(\d+)\//.exec(log);
      if (found) {
        this.port = Number(found[1]);
        this.base = `http://127.0.0.1:${this.port}`;
        return;
      }
      if (this.server.exitCode !== null) break;
      await sleep(50);
    }
    throw new Error(`eyried did not start:\n${log}`);
  }

  async stop() {
    const ended = new Promise((resolve) => this.server.once('exit', resolve));
    this.server.kill('SIGTERM');
    assert.equal(await ended, 0, 'exit code after SIGTERM');
  }

  /** `eyried WORDS`, with a password on its standard input where it is not null. */
  command(password, ...words) {
    const given = password === null ? { stdio: ['ignore', 'pipe', 'inherit'] } : { input: `${password}\n` };
    return execFileSync(this.eyried, [...words, '--config', this.config], { ...given, encoding: 'utf8' });
  }

  async api(path, init) {
    return (await fetch(this.base + path, init)).json();
  }

  /** The answer that `path` gives once it is as wanted. */
  async until(path, wanted) {
    for (let i = 0; i < 600; i++) {
      const answer = await this.api(path);
      if (wanted(answer)) return answer;
      await sleep(100);
    }
    throw new Error(`${path} never became as wanted`);
  }

  async remove() {
    if (this.server && this.server.exitCode === null) await this.stop().catch(() => this.server.kill('SIGKILL'));
    rmSync(this.temp, { recursive: true, force: true });
  }
}

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

/** A page of somebody of their own (cookies, storage); `complaints` gathers what went wrong on it. */
export async function visit(browser, center, shots) {
  const context = await browser.newContext({ viewport: { width: 1600, height: 1000 }, colorScheme: 'dark' });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: center.base });
  await context.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
    window.shift = 0;
    new PerformanceObserver((list) => {
      for (const e of list.getEntries()) window.shift += e.value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  const who = { context, page, complaints: [], quiet: false };
  page.on('console', (m) => !who.quiet && ['error', 'warning'].includes(m.type()) && who.complaints.push(m.text()));
  page.on('pageerror', (e) => who.complaints.push(e.message));
  page.on('response', (r) => !who.quiet && r.status() >= 400 && who.complaints.push(`${r.status()} ${r.url()}`));
  page.on('dialog', (d) => who.complaints.push(`dialog: ${d.message()}`));
  who.seen = async (text) => page.getByText(text).first().waitFor();
  who.shot = async (name, options = {}) => shots && page.screenshot({ path: join(shots, `${name}.png`), ...options });
  who.go = async (path) => {
    await page.goto(center.base + path);
    await page.locator('main > *').first().waitFor();
  };
  who.signIn = async (name, password) => {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
  };
  who.clean = async () => {
    assert.deepEqual(who.complaints, []);
    assert.deepEqual(await page.evaluate(() => window.violations), []);
  };
  return who;
}

/** Run `main`, clean up, and end with 1 where a check failed. */
export async function run(main, cleanUp) {
  try {
    await main();
  } catch (e) {
    failed++;
    console.log(`not ok ${++number} - the test itself\n# ${String(e.stack ?? e).replaceAll('\n', '\n# ')}`);
  } finally {
    await cleanUp();
  }
  console.log(`1..${number}`);
  process.exit(failed ? 1 : 0);
}

// SPDX-License-Identifier: GPL-2.0-or-later
// How pages keep fresh, in a real browser: live.mjs EYRIED MAKE_REPOSITORY [SCREENSHOT-FOLDER]
//
// By events where they come, by asking where they do not; and no row moves under who reads it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Center, check, launch, run, visit } from './harness.mjs';

const [eyried, makeRepository, shots] = process.argv.slice(2);
const center = new Center(eyried);
let browser;

async function makeIssue(title) {
  const response = await fetch(`${center.base}/api/v1/issues`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ title, who: 'Kim' }) });
  assert.equal(response.status, 201);
}

async function main() {
  execFileSync('python3', [makeRepository, '--crashes', '60', '--outbreak', '6', '--hosts', '20', '--days', '5', join(center.temp, 'made')]);
  for (const site of readdirSync(join(center.temp, 'made'))) renameSync(join(center.temp, 'made', site), join(center.repository, site));
  await center.start();
  await center.until('/api/v1/alerts?state=firing', (a) => a.alerts?.length > 0);
  for (let i = 1; i <= 3; i++) await makeIssue(`issue ${i}`);
  browser = await launch();
  const me = await visit(browser, center, shots);
  const { page, context } = me;
  const told = (value) => page.locator(`.conn[data-told=${value}]`).waitFor({ timeout: 30000 });
  // From here on no clock asks: timers as long as those of the clock never end.
  const noClock = () => {
    const real = window.setTimeout;
    window.setTimeout = (fn, ms, ...rest) => (ms >= 5000 && ms <= 20000 && window.noClock ? 0 : real(fn, ms, ...rest));
  };
  await context.addInitScript(noClock);
  const stopClock = () => page.evaluate(() => { window.noClock = true; });

  await check('what happens is shown without asking by the clock', async () => {
    await me.go('/issues');
    await told(true);
    await page.getByRole('link', { name: 'issue 3' }).waitFor();
    await stopClock();
    // The questions that the clock had begun have ended when two events have been shown.
    for (const name of ['told once', 'told twice', 'told three times']) {
      await makeIssue(name);
      await page.getByRole('link', { name, exact: true }).waitFor({ timeout: 30000 });
    }
  });

  await check('a second tab is told by the first one\'s stream, and follows itself when that is closed', async () => {
    const asked = [];
    context.on('request', (r) => { if (r.url().endsWith('/api/v1/events')) asked.push(r); });
    const second = await context.newPage();
    await second.goto(`${center.base}/issues`);
    await second.locator('.conn[data-told=true]').waitFor({ timeout: 30000 });
    assert.equal(asked.length, 0, 'one stream for all tabs');
    await second.getByRole('link', { name: 'told three times' }).waitFor();
    await second.evaluate(() => { window.noClock = true; });
    await makeIssue('told to both');
    for (const p of [page, second]) await p.getByRole('link', { name: 'told to both' }).waitFor({ timeout: 30000 });
    await page.close();
    await makeIssue('told to the other');
    await second.getByRole('link', { name: 'told to the other' }).waitFor({ timeout: 30000 });
    assert.equal(asked.length, 1);
    await second.close();
  });

  const other = await visit(browser, center, shots);
  const p = other.page;
  const toldOther = (value) => p.locator(`.conn[data-told=${value}]`).waitFor({ timeout: 60000 });

  await check('no row moves under the pointer; what is new waits, and is shown when asked for', async () => {
    await other.go('/issues');
    await toldOther(true);
    const row = p.getByRole('row', { name: /issue 3/ });
    await row.waitFor();
    await row.hover();
    const before = await row.boundingBox();
    await p.evaluate(() => { window.shift = 0; });
    for (const name of ['while one reads', 'and another']) await makeIssue(name);
    await p.getByRole('button', { name: '2 new: show' }).waitFor({ timeout: 30000 });
    await other.shot('list-waiting');
    assert.deepEqual(await row.boundingBox(), before);
    assert.equal(await p.evaluate(() => window.shift), 0, 'layout shift');
    assert.equal(await p.getByRole('link', { name: 'and another' }).count(), 0);
    // A click goes to what was read.
    await p.mouse.click(before.x + before.width / 2, before.y + before.height / 2);
    await p.getByRole('heading', { level: 1, name: 'issue 3' }).waitFor();
    await p.goBack();
    await p.getByRole('link', { name: 'and another' }).waitFor();
    await row.hover();
    await makeIssue('asked for');
    await p.getByRole('button', { name: '1 new: show' }).click();
    await p.getByRole('link', { name: 'asked for' }).waitFor();
  });

  await check('they are shown by themselves when the reader has left', async () => {
    await p.getByRole('row', { name: /issue 3/ }).hover();
    await makeIssue('after one left');
    await p.getByRole('button', { name: '1 new: show' }).waitFor({ timeout: 30000 });
    await p.mouse.move(5, 5);
    await p.getByRole('link', { name: 'after one left' }).waitFor();
    assert.equal(await p.locator('.waiting').count(), 0);
  });

  await check('the keyboard\'s row stays, too; a filter is obeyed at once', async () => {
    await p.keyboard.press('j');
    const text = await p.locator('tr:focus').innerText();
    await makeIssue('while on a row');
    await p.getByRole('button', { name: '1 new: show' }).waitFor({ timeout: 30000 });
    assert.equal(await p.locator('tr:focus').innerText(), text);
    assert.equal(await p.locator('tbody tr').first().innerText(), text);
    await p.keyboard.press('/');
    await p.keyboard.type('told twice');
    await p.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
    await other.clean();
  });

  await check('a stream that breaks: pages ask by the clock, until it is back', async () => {
    await other.context.route('**/api/v1/events', (route) => route.abort());
    other.quiet = true;
    await center.stop();
    await p.locator('.stale-bar').waitFor({ timeout: 30000 });
    await center.start(center.port);
    await p.locator('.stale-bar').waitFor({ state: 'detached', timeout: 30000 });
    await toldOther(false);
    await other.go('/issues');
    await p.getByRole('link', { name: 'issue 3' }).waitFor();
    await toldOther(false);
    await makeIssue('asked by the clock');
    await p.getByRole('link', { name: 'asked by the clock' }).waitFor({ timeout: 30000 });
    await other.context.unroute('**/api/v1/events');
    await toldOther(true);
    other.quiet = false;
  });

  await check('the stream ends with the session, and the door is shown', async () => {
    center.command('correct horse battery', 'user', 'add', 'robin', '--role', 'administrator');
    other.quiet = true;
    await p.getByRole('form', { name: 'Sign in' }).waitFor({ timeout: 60000 });
    const begun = p.waitForRequest('**/api/v1/events', { timeout: 60000 });
    await other.signIn('robin', 'correct horse battery');
    const stream = await begun;
    await toldOther(true);
    const ended = p.waitForEvent('requestfailed', { predicate: (r) => r === stream, timeout: 60000 })
      .catch(() => null);
    const finished = p.waitForEvent('requestfinished', { predicate: (r) => r === stream, timeout: 60000 }).catch(() => null);
    await p.getByRole('button', { name: 'Sign out' }).click();
    await p.getByRole('form', { name: 'Sign in' }).waitFor();
    assert.ok(await Promise.race([ended, finished]), 'the stream ended');
    assert.deepEqual(other.complaints, []);
  });
}

await run(main, async () => {
  await browser?.close();
  await center.remove();
});

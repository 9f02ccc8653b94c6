// SPDX-License-Identifier: GPL-2.0-or-later
// The console in a real browser: browser.mjs EYRIED MAKE_REPOSITORY [SCREENSHOT-FOLDER]
//
// Starts eyried on an empty database, lets crashes appear in its repository, and looks at every page
// as an operator would. Prints a line a check (TAP); exit code 1 where one failed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Center, check, launch, run, visit } from './harness.mjs';

const [eyried, makeRepository, shots] = process.argv.slice(2);
const center = new Center(eyried);
const { temp, repository } = center;
const HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
let browser;

function records(folder) {
  return readdirSync(folder, { recursive: true }).map(String).filter((f) => f.endsWith('record.json')).map((f) => join(folder, f));
}

function makeCrashes() {
  execFileSync('python3', [makeRepository, '--crashes', '120', '--outbreak', '12', '--hosts', '60', '--days', '20', join(temp, 'made')]);
  // One machine lies: its texts are HTML. It must stay text.
  const [path] = records(join(temp, 'made')).sort();
  const record = JSON.parse(readFileSync(path, 'utf8'));
  Object.assign(record.event, { title: HOSTILE, comm: HOSTILE.slice(0, 15), guilty: HOSTILE, reason: 'g1:BUG:<b>x</b>', kind: 'BUG' });
  record.event.frames[0].function = HOSTILE;
  record.log = record.log.replace('systemd[1]: Detected', `${HOSTILE} Detected`);
  record.gaps = [{ what: HOSTILE, why: HOSTILE }];
  writeFileSync(path, JSON.stringify(record));
  writeFileSync(path.replace('record.json', 'dmesg.txt'), record.log);
  // Whole sites at once, as hosts file: nothing is ever seen half.
  for (const site of readdirSync(join(temp, 'made'))) renameSync(join(temp, 'made', site), join(repository, site));
}

async function main() {
  await center.start();
  const { base, port } = center;
  const api = (path) => center.api(path);
  browser = await launch();
  const me = await visit(browser, center, shots);
  const { page, complaints, seen, shot, go } = me;

  await check('an empty database says what to do', async () => {
    await go('/');
    await seen('No crash has come in yet');
    await seen(repository);
    await page.getByRole('heading', { name: 'All quiet' }).waitFor();
    await shot('empty');
  });

  await check('crashes that come in appear by themselves', async () => {
    makeCrashes();
    await page.getByRole('heading', { name: /alerts? firing, nobody has/ }).waitFor({ timeout: 30000 });
    await page.locator('.alert', { hasText: 'bnxt_rx_pkt' }).first().waitFor();
    // The tab's title is of another answer than the page.
    await page.waitForFunction(() => /^\(\d+\) /.test(document.title));
    await page.waitForTimeout(6000);
    await shot('overview', { fullPage: true });
  });

  await check('a refresh moves nothing', async () => {
    await go('/');
    await page.locator('.alert').first().waitFor();
    await page.waitForTimeout(800);
    await page.evaluate(() => { window.shift = 0; });
    await page.waitForTimeout(6500);
    const shift = await page.evaluate(() => window.shift);
    assert.ok(shift < 0.01, `layout shift ${shift}`);
  });

  await check('an alert is taken by name', async () => {
    await page.getByRole('link', { name: /Alerts/ }).first().click();
    const card = page.locator('.alert-firing', { hasText: 'bnxt_rx_pkt' }).first();
    await card.getByRole('button', { name: 'Take it' }).click();
    await page.getByLabel('Your name').fill('Robin Night');
    await page.getByRole('dialog').getByRole('button', { name: 'Take it' }).click();
    await page.locator('.alert-acknowledged', { hasText: 'Robin Night' }).waitFor();
    const { alerts } = await api('/api/v1/alerts?state=acknowledged');
    assert.deepEqual(alerts.map((a) => a.who), ['Robin Night']);
    await shot('alerts');
  });

  await check('an alert leads to its crashes', async () => {
    const card = page.locator('.alert-acknowledged').first();
    await card.locator('.alert-crashes').click();
    await page.waitForURL(/\/crashes\?alert=\d+/);
    await page.locator('tr[data-row]').first().waitFor();
    assert.equal(await page.locator('tr[data-row]').count(), 12);
  });

  await check('filters stand in the address', async () => {
    await page.getByRole('link', { name: 'Crashes', exact: true }).first().click();
    await page.keyboard.press('/');
    await page.keyboard.type('bnxt_rx');
    await page.waitForURL(/q=bnxt_rx/);
    await page.getByText('12', { exact: true }).first().waitFor();
    await page.getByLabel('Verdict').selectOption('new');
    await page.waitForURL(/verdict=new/);
    await page.waitForFunction(() => document.querySelectorAll('tr[data-row]').length === 1);
    await go('/crashes?q=no-such-thing');
    await seen('No crash fits these filters');
    await go('/crashes');
    await shot('crashes');
  });

  let crash;
  await check('the keyboard goes to a crash', async () => {
    const { crashes } = await api('/api/v1/crashes?limit=3');
    crash = crashes[1];
    await go('/crashes');
    await page.locator('tr[data-row]').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${base}/crashes/${crash.id}`);
  });

  await check('a crash shows its reason, its alert and where', async () => {
    await page.getByRole('heading', { level: 1, name: crash.title }).waitFor();
    await page.locator('.title-key', { hasText: crash.reason.key }).waitFor();
    await page.locator('.alert', { hasText: crash.title }).first().waitFor();
    for (const text of [crash.host.name, crash.kernel, `${crash.model.vendor} ${crash.model.product}`, `pid ${crash.pid}`])
      await page.locator('.facts', { hasText: text }).first().waitFor();
    const guilty = await page.locator('.trace .frame-guilty .frame-name').innerText();
    assert.ok(guilty.startsWith(crash.guilty), guilty);
    assert.ok(await page.locator('.trace .frame-unreliable').count() > 0, 'unreliable frame marked');
    await page.locator('.registers', { hasText: 'RSP' }).waitFor();
    await shot('crash', { fullPage: true });
  });

  await check('its log stands at the event, which is marked', async () => {
    const { record } = await api(`/api/v1/crashes/${crash.id}`);
    const { first_line: first, last_line: last } = record.event;
    assert.equal(await page.locator('.line-event').count(), last - first + 1);
    const inView = await page.locator('.log').evaluate((log) => {
      const line = log.querySelector('.line-event').getBoundingClientRect();
      const box = log.getBoundingClientRect();
      return line.top >= box.top && line.bottom <= box.bottom;
    });
    assert.ok(inView, 'first line of the event is in view');
    assert.ok(await page.locator('.line-guilty').count() >= 1);
    const shown = await page.locator('.log .line-text').allInnerTexts();
    const text = await (await fetch(`${base}/api/v1/crashes/${crash.id}/log`)).text();
    assert.equal(shown.map((l) => l.trimEnd()).join('\n'), text.split('\n').map((l) => l.trimEnd()).join('\n').trimEnd());
  });

  await check('pointing at a field marks its line of the log, its number leads there', async () => {
    const { record } = await api(`/api/v1/crashes/${crash.id}`);
    const { lines, frames } = record.event;
    const spot = page.locator('.line-spot');
    await page.locator('.facts dd', { hasText: `pid ${crash.pid}` }).hover();
    await page.locator('.facts .from-line', { hasText: `pid ${crash.pid}` }).hover();
    assert.equal(await spot.getAttribute('data-line'), String(lines.comm));
    assert.match(await spot.innerText(), new RegExp(`PID: ${crash.pid} `));
    await page.locator('.trace .frame', { hasText: frames.at(-1).function }).last().hover();
    assert.equal(await spot.getAttribute('data-line'), String(frames.at(-1).line));
    await page.mouse.move(0, 0);
    await spot.waitFor({ state: 'detached' });
    // From another tab, and from the end of the log.
    await page.getByRole('tab', { name: 'CPUs' }).click();
    await page.getByRole('button', { name: `Model: line ${lines.hardware} of the kernel log` }).click();
    await spot.waitFor();
    assert.match(await spot.innerText(), /Hardware name: /);
    await page.locator('.log').evaluate((log) => { log.scrollTop = 0; });
    await page.getByRole('button', { name: `Exact key: line ${lines.function} of the kernel log` }).click();
    assert.equal(await spot.getAttribute('data-line'), String(lines.function));
    assert.match(await spot.innerText(), /RIP: 0010:/);
    const inView = await page.locator('.log').evaluate((log) => {
      const line = log.querySelector('.line-spot').getBoundingClientRect();
      const box = log.getBoundingClientRect();
      return line.top >= box.top && line.bottom <= box.bottom;
    });
    assert.ok(inView, 'the line is in view');
  });

  await check('a machine check is shown decoded, with the hint', async () => {
    const { crashes } = await api('/api/v1/crashes?kind=MCE&limit=1');
    await go(`/crashes/${crashes[0].id}`);
    const panel = page.locator('.panel', { has: page.getByRole('heading', { name: 'Hardware error' }) });
    for (const text of ['fatal bus error by a timeout', 'northbridge', 'bank 4, CPU 12, socket 0', 'b200000000070f0f VAL UC EN PCC'])
      await panel.getByText(text).first().waitFor();
    await page.locator('.note-hint', { hasText: 'Likely broken hardware: the hardware reported it' }).waitFor();
    await panel.getByRole('button', { name: /^Status: line \d+ of/ }).click();
    assert.match(await page.locator('.line-spot').innerText(), /Machine Check Exception: 5 Bank 4/);
    await shot('machine-check', { fullPage: true });
    await go(`/crashes/${crash.id}`);
    await page.locator('.line-event').first().waitFor();
  });

  await check('the other tabs show what the dump told', async () => {
    await page.getByRole('tab', { name: 'Analysis' }).click();
    await page.locator('.pre', { hasText: crash.host.name }).waitFor();
    assert.match(page.url(), /tab=analysis/);
    await page.getByRole('tab', { name: 'CPUs' }).click();
    await page.locator('.cpu').first().waitFor();
    assert.equal(await page.locator('.cpu').count(), 6);
    await page.getByRole('tab', { name: 'Tasks' }).click();
    await page.locator('.row-bad', { hasText: String(crash.pid) }).waitFor();
    await page.getByRole('tab', { name: 'Modules' }).click();
    await page.getByRole('cell', { name: 'bnxt_en' }).waitFor();
    await page.getByRole('tab', { name: 'Record' }).click();
    await page.locator('.pre', { hasText: 'eyrie/crash/1' }).waitFor();
  });

  await check('copying gives the reason\'s key', async () => {
    await page.getByRole('button', { name: 'Copy the reason\'s key' }).click();
    await page.locator('.copy-done').waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), crash.reason.key);
  });

  await check('a crash leads to its reason, the reason to its host', async () => {
    await page.locator('.title-key a').click();
    await page.waitForURL(/\/reasons\/\d+/);
    await page.locator('.title-key', { hasText: crash.reason.key }).waitFor();
    await page.locator('.panel', { hasText: 'Exact keys' }).getByText(crash.signature).waitFor();
    await shot('reason', { fullPage: true });
    await page.locator('.panel[aria-label="Hosts"] a').first().click();
    await page.waitForURL(/\/hosts\/\d+/);
    await seen('Changes and boots');
    await shot('host');
  });

  await check('an issue is made of a reason, fixed, and seen at its crashes', async () => {
    const [reason] = (await api('/api/v1/reasons?order=crashes&limit=1')).reasons;
    await go(`/reasons/${reason.id}`);
    await page.getByRole('button', { name: 'Make an issue' }).click();
    await page.getByLabel('Who works on it').fill('Kim');
    await page.getByRole('button', { name: 'Make it' }).click();
    await page.locator('.title-buttons a', { hasText: reason.title }).click();
    await page.waitForURL(/\/issues\/\d+$/);
    await page.getByRole('button', { name: 'Comment' }).click();
    await page.getByLabel('What do you know?').fill('It began on Monday.\n<b>Two</b> racks.');
    await page.getByRole('button', { name: 'Say it' }).click();
    await seen('<b>Two</b> racks.');
    await page.getByRole('button', { name: 'Add a fix' }).click();
    await page.getByLabel('Distribution').fill('debian 12');
    await page.getByLabel('Version').fill('6.1.9999-1');
    await page.getByRole('button', { name: 'Add it' }).click();
    await seen('linux 6.1.9999-1');
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('State').selectOption('fix-available');
    await page.getByLabel('Link').fill('javascript:document.title="owned"');
    await page.getByLabel('Why').fill('the vendor says so');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.history', { hasText: 'the vendor says so' }).waitFor();
    assert.equal(await page.locator('a[href^="javascript"]').count(), 0);
    await shot('issue', { fullPage: true });
    const [issue] = (await api('/api/v1/issues')).issues;
    assert.deepEqual([issue.state, issue.owner, issue.reasons], ['fix-available', 'Kim', 1]);
    const old = (await api(`/api/v1/crashes?reason=${reason.id}`)).crashes.find((c) => c.kernel.startsWith('6.1.'));
    assert.equal(old.triage, 'already-patched');
    await go(`/crashes/${old.id}`);
    await page.locator('.badge-patched').first().waitFor();
    await go('/issues');
    await page.getByRole('link', { name: reason.title }).waitFor();
    await shot('issues');
  });

  await check('reasons are merged and split, and both is taken back', async () => {
    const [into, from] = (await api('/api/v1/reasons?order=crashes&limit=2')).reasons;
    await go(`/reasons/${from.id}`);
    await page.getByRole('button', { name: 'Merge…' }).click();
    await page.locator('dialog select[name=into]').selectOption(String(into.id));
    await page.locator('[data-preview]', { hasText: String(from.crashes) }).waitFor();
    await page.getByLabel('Why').fill('one lock, two victims');
    await page.getByRole('button', { name: 'Merge', exact: true }).click();
    await page.locator('.note a', { hasText: `#${into.id}` }).click();
    await page.waitForURL(new RegExp(`/reasons/${into.id}$`));
    await seen('one lock, two victims');
    assert.equal((await api(`/api/v1/reasons/${into.id}`)).reason.crashes, into.crashes + from.crashes);
    await shot('reason-merged', { fullPage: true });
    await page.getByRole('button', { name: 'Take it back' }).click();
    await page.locator('dialog button[type=submit]').click();
    await seen('taken back by');
    await page.getByRole('button', { name: 'Split…' }).click();
    await page.locator('[data-preview]').waitFor();
    await page.getByRole('button', { name: 'Split', exact: true }).click();
    await page.getByRole('button', { name: 'Take it back' }).click();
    await page.locator('dialog button[type=submit]').click();
    await page.locator('dialog').waitFor({ state: 'detached' });
    await page.locator('.history button').waitFor({ state: 'detached' });
    assert.equal((await api(`/api/v1/reasons/${into.id}`)).reason.crashes, into.crashes);
  });

  await check('reasons and hosts are listed and open', async () => {
    await go('/reasons?order=crashes');
    await page.locator('tr[data-row]').first().click();
    await page.waitForURL(/\/reasons\/\d+/);
    await go('/hosts?q=web-001');
    await page.locator('tr[data-row]').first().waitFor();
    await page.locator('tr[data-row]').first().click();
    await page.waitForURL(/\/hosts\/\d+/);
    await page.getByRole('heading', { level: 1, name: /web-001/ }).waitFor();
  });

  await check('the report of the month is shown', async () => {
    await page.getByRole('link', { name: 'Report' }).click();
    await page.frameLocator('iframe').getByRole('heading', { level: 1 }).waitFor();
    await shot('report');
  });

  await check('hostile text stays text', async () => {
    const { crashes } = await api('/api/v1/crashes?kind=BUG&q=onerror');
    assert.equal(crashes.length, 1);
    for (const path of ['/crashes?q=onerror', `/crashes/${crashes[0].id}`, `/crashes/${crashes[0].id}?tab=record`,
      `/reasons/${crashes[0].reason.id}`, `/hosts/${crashes[0].host.id}`, '/']) {
      await go(path);
      await page.waitForTimeout(400);
      assert.equal(await page.locator('main img, main script, main b b').count(), 0, path);
      assert.doesNotMatch(await page.title(), /^owned/);
    }
    await go(`/crashes/${crashes[0].id}`);
    await page.locator('h1', { hasText: '<img src=x' }).waitFor();
    await page.locator('.line-text', { hasText: '<script>' }).first().waitFor();
  });

  await check('light, large and small', async () => {
    await page.emulateMedia({ colorScheme: 'light' });
    await go('/');
    await page.locator('.alert').first().waitFor();
    await page.waitForTimeout(500);
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light');
    await shot('overview-light', { fullPage: true });
    await page.getByRole('button', { name: 'Larger, for a wall' }).click();
    // The page is drawn anew after the click, not in it.
    await page.waitForFunction(() => getComputedStyle(document.documentElement).fontSize === '19px');
    await page.getByRole('button', { name: 'Larger, for a wall' }).click();
    for (const width of [2560, 1280, 800, 400]) {
      await page.setViewportSize({ width, height: 900 });
      await page.waitForTimeout(200);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(over <= 0, `${width} px wide: ${over} px too much`);
    }
    await page.setViewportSize({ width: 1600, height: 1000 });
    await page.emulateMedia({ colorScheme: 'dark' });
  });

  await check('each control has a name, each page a main heading', async () => {
    for (const path of ['/', '/alerts', '/crashes', `/crashes/${crash.id}`, '/reasons', '/issues', '/issues/1', '/hosts', '/report']) {
      await go(path);
      await page.locator('h1').first().waitFor();
      const nameless = await page.locator('button, a, input, select').evaluateAll((all) => all
        .filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.title || e.labels?.length))
        .map((e) => e.outerHTML));
      assert.deepEqual(nameless, [], path);
      assert.equal(await page.locator('h1').count(), 1, path);
      assert.equal(await page.locator('main').count(), 1);
    }
  });

  await check('nothing was complained of', async () => {
    assert.deepEqual(complaints, []);
    assert.deepEqual(await page.evaluate(() => window.violations), []);
  });

  await check('with a user, one signs in, and is where one was', async () => {
    await go('/hosts?order=crashes');
    me.quiet = true;
    center.command('correct horse battery', 'user', 'add', 'robin', '--role', 'administrator');
    const form = page.getByRole('form', { name: 'Sign in' });
    await form.waitFor({ timeout: 20000 });
    assert.equal(await page.getByText('web-').count(), 0, 'nothing is left on the page');
    await page.getByLabel('Name').fill('robin');
    await page.getByLabel('Password').fill('something else');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await seen('name or password is wrong');
    await shot('sign-in');
    await page.getByLabel('Password').fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Hosts', exact: true }).waitFor();
    assert.equal(new URL(page.url()).search, '?order=crashes');
    me.quiet = false;
    assert.equal(await page.evaluate(() => document.cookie), '', 'no script reads the cookie');
  });

  await check('changes carry the name of who signed in', async () => {
    await go('/issues');
    await page.getByRole('button', { name: /New issue/ }).click();
    const dialog = page.locator('dialog[open]');
    assert.equal(await dialog.locator('input[name=who]').count(), 0);
    await dialog.locator('input[name=title]').fill('Signed in');
    await dialog.locator('button[type=submit]').click();
    await page.locator('.history-head', { hasText: 'robin' }).first().waitFor();
  });

  await check('the audit log says who did what', async () => {
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.getByRole('cell', { name: 'issue.create' }).first().waitFor();
    await page.getByRole('cell', { name: 'sign-in.failed' }).waitFor();
    await shot('audit');
    assert.deepEqual(complaints, []);
    assert.deepEqual(await page.evaluate(() => window.violations), []);
  });

  await check('signing out shuts the door', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('form', { name: 'Sign in' }).waitFor();
    me.quiet = true;
    await go('/crashes');
    await page.getByRole('form', { name: 'Sign in' }).waitFor();
    await page.getByLabel('Name').fill('robin');
    await page.getByLabel('Password').fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: /^Crashes/ }).waitFor();
  });

  await check('an address that leads nowhere says so', async () => {
    me.quiet = true;
    await go('/crashes/999999');
    await seen('There is nothing at this address');
  });

  await check('a lost connection is seen, and that it came back', async () => {
    await go('/');
    await page.locator('.alert').first().waitFor();
    await center.stop();
    await page.locator('.stale-bar', { hasText: 'No connection since' }).waitFor({ timeout: 20000 });
    // What was known stays on the wall.
    assert.ok(await page.locator('.alert').count() > 0);
    await shot('stale');
    await center.start(port);
    await page.locator('.stale-bar').waitFor({ state: 'detached', timeout: 20000 });
  });
}

await run(main, async () => {
  await browser?.close();
  await center.remove();
});

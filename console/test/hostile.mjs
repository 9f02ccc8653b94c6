// SPDX-License-Identifier: GPL-2.0-or-later
// Machines that lie, in a real browser: hostile.mjs EYRIED MAKE_REPOSITORY [SCREENSHOT-FOLDER]
//
// Every text of a crash (names, log, analysis, modules, tasks, hardware) is HTML, script, attributes, text that
// turns its surroundings around, terminal escapes, or long words (of 10 kB in log and analysis). On each page: nothing runs, nothing is loaded,
// no text turns another around, nothing sticks out, and what matters is where one looks for it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Center, check, launch, run, visit } from './harness.mjs';

const [eyried, makeRepository, shots] = process.argv.slice(2);
const HOSTILE = {
  markup: '"><img src=x onerror="window.owned=1"><script>window.owned=1</script><svg onload="window.owned=1"><iframe src="javascript:parent.owned=1"></iframe></td></pre></style>',
  attributes: '\' onmouseover=\'window.owned=1\' autofocus onfocus=window.owned=1 href=javascript:window.owned=1 {{window.owned=1}} ${window.owned=1}',
  direction: 'kernel \u202egnp.exe\u202d \u2066\u2067 \u200f\u061c מה \u2028 \u202e',
  terminal: '\u001b[31m\u001b]0;owned\u0007\u001b[2J\u001b[1;1H\u009b31m\rroot@center:~# \b\b\u007f',
  // Nothing to break at; the log and the analysis repeat it up to 10 kB.
  long: 'A'.repeat(120),
};
const kinds = Object.keys(HOSTILE);
// What the server reads words of (kinds, formats, times, addresses) stays.
const KEPT = /^(schema|kind|format|engine|state|base|address|time|crash_time|source|severity|verdict|reason|boot_id|machine_id|dmi_uuid|release|machine|status|class|detail|unit|flags|log)$/;
const center = new Center(eyried);
let browser;

function spoil(value, text, key = '') {
  if (typeof value === 'string') return KEPT.test(key) ? value : text;
  if (Array.isArray(value)) return value.map((v) => spoil(v, text, key));
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, spoil(v, text, k)]));
  return value;
}

function makeCrashes() {
  const made = join(center.temp, 'made');
  execFileSync('python3', [makeRepository, '--crashes', '24', '--outbreak', '4', '--hosts', '24', '--days', '3', made]);
  const paths = readdirSync(made, { recursive: true }).map(String).filter((f) => f.endsWith('record.json')).sort();
  paths.slice(0, kinds.length).forEach((path, i) => {
    const text = HOSTILE[kinds[i]];
    const file = join(made, path);
    const record = spoil(JSON.parse(readFileSync(file, 'utf8')), text);
    record.event.title = `hostile ${kinds[i]} ${text}`;
    record.event.reason = `g1:BUG:hostile_${kinds[i]}`;
    record.event.kind = 'BUG';
    record.event.hints = [{ verdict: text, evidence: text }];
    record.gaps = [{ what: text, why: text }];
    const lines = record.log.split('\n');
    record.log = lines.map((l, n) => (n % 30 ? (n % 3 ? l : `${l} ${text}`) : `${l} ${kinds[i] === 'long' ? text.repeat(85) : text}`)).join('\n');
    writeFileSync(file, JSON.stringify(record));
    writeFileSync(join(dirname(file), 'dmesg.txt'), record.log);
    writeFileSync(join(dirname(file), 'analysis.txt'), `${kinds[i] === 'long' ? text.repeat(85) : text}\n`.repeat(20));
  });
  for (const site of readdirSync(made)) renameSync(join(made, site), join(center.repository, site));
}

const send = async (path, body) => {
  const response = await fetch(center.base + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
  return response.json();
};

/** What is wrong with the page as it is now. */
function findings() {
  const wrong = [];
  if (window.owned !== undefined) wrong.push('a script of the machine ran');
  if (window.violations.length) wrong.push(`the policy was needed: ${window.violations}`);
  const main = document.querySelector('main');
  for (const e of main.querySelectorAll('*')) {
    if (/^(script|img|object|embed|link|style|base|meta)$/i.test(e.localName) || (e.localName === 'iframe' && !e.matches('.report-frame')))
      wrong.push(`an element of the machine's: ${e.outerHTML.slice(0, 80)}`);
    for (const a of e.attributes) {
      if (/^on/.test(a.name)) wrong.push(`a handler: ${a.name}`);
      if (/^(href|src|action)$/.test(a.name) && /^\s*(javascript|data|vbscript):/i.test(a.value)) wrong.push(`a link: ${a.value.slice(0, 40)}`);
    }
  }
  const steers = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) if (steers.test(walk.currentNode.data)) wrong.push(`steering text: ${JSON.stringify(walk.currentNode.data.slice(0, 60))}`);
  if (steers.test(document.title)) wrong.push('steering text in the title');
  const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (over > 0) {
    const out = [...main.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.table-box, .pre, .log, .tablist'));
    wrong.push(`${over} px stick out: ${out.map((e) => `${e.localName}.${e.className}`).slice(-3).join(' ')}`);
  }
  return [...new Set(wrong)].slice(0, 5);
}

async function main() {
  await center.start();
  makeCrashes();
  const { crashes } = await center.until('/api/v1/crashes?q=hostile&limit=50', (a) => a.crashes?.length >= kinds.length);
  assert.equal(crashes.length, kinds.length);
  await center.until('/api/v1/overview', (o) => o.fleet?.crashes >= 24);
  browser = await launch();
  const me = await visit(browser, center, shots);
  const { page } = me;
  const look = async (path, wait = 'h1') => {
    await me.go(path);
    await page.locator(wait).first().waitFor();
    for (const width of [1600, 800]) {
      await page.setViewportSize({ width, height: 1000 });
      assert.deepEqual(await page.evaluate(findings), [], `${path} at ${width} px`);
    }
    await page.setViewportSize({ width: 1600, height: 1000 });
  };

  await check('the lists and the overview', async () => {
    for (const path of ['/', '/alerts?state=all', '/crashes?q=hostile', '/crashes', '/reasons', '/hosts', '/audit']) await look(path);
    await me.go('/crashes?q=hostile');
    await page.locator('tr[data-row]').first().waitFor();
    assert.equal(await page.locator('tr[data-row]').count(), kinds.length);
    for (const row of await page.locator('tr[data-row]').all()) assert.ok((await row.boundingBox()).height < 60, 'a row is one line');
    await me.shot('hostile-list');
  });

  for (const kind of kinds) {
    await check(`a crash whose every text is hostile: ${kind}`, async () => {
      const crash = crashes.find((c) => c.title.startsWith(`hostile ${kind}`));
      for (const tab of ['', '?tab=analysis', '?tab=crash', '?tab=cpus', '?tab=tasks', '?tab=modules', '?tab=record']) {
        await look(`/crashes/${crash.id}${tab}`, '.tabpanel > *');
        // The headline is there, and what comes below it within two screens.
        assert.ok((await page.locator('h1').innerText()).startsWith(`hostile ${kind}`));
        const where = await page.getByRole('region', { name: 'Where' }).boundingBox();
        assert.ok(where.y < 2000, `“Where” is ${where.y} px down`);
      }
      await me.go(`/crashes/${crash.id}`);
      await page.locator('.line-text').first().waitFor();
      await me.shot(`hostile-${kind}`);
      // Everything can be pointed at and clicked without anything of theirs running.
      for (const link of await page.locator('.facts dd').all()) await link.hover({ force: true, timeout: 2000 }).catch(() => undefined);
      assert.deepEqual(await page.evaluate(findings), []);
      await look(`/reasons/${crash.reason.id}`);
      await look(`/hosts/${crash.host.id}`);
    });
  }

  await check('what scripts with a token may say: issues, changes, holds, names', async () => {
    for (const kind of ['markup', 'attributes', 'direction']) {
      const text = HOSTILE[kind].replaceAll('\u2028', ' ').slice(0, 140);
      const made = await send('/api/v1/issues', { title: text, who: 'Kim', link: 'javascript:window.owned=1', notes: text });
      await send(`/api/v1/issues/${made.issue.id}/comments`, { text, who: text.slice(0, 40) });
      await send('/api/v1/holds', { scope: 'host', subject: crashes[0].host.id, why: text, who: text.slice(0, 40) });
      await look(`/issues/${made.issue.id}`);
    }
    for (const path of ['/issues', `/hosts/${crashes[0].host.id}`, '/audit']) await look(path);
    await page.getByRole('heading', { level: 1, name: 'Audit log' }).waitFor();
  });

  await check('the report of the month', async () => {
    await me.go('/report');
    const frame = page.frameLocator('iframe');
    await frame.getByRole('heading', { level: 1 }).waitFor();
    assert.equal(await frame.locator('img, script, iframe, [onload], [onerror]').count(), 0);
    assert.equal(await page.evaluate(() => window.owned), undefined);
  });

  await check('nothing was complained of', me.clean);
}

await run(main, async () => {
  await browser?.close();
  await center.remove();
});

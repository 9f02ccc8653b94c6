// SPDX-License-Identifier: GPL-2.0-or-later
// Who may do what, in a real browser: access.mjs EYRIED MAKE_REPOSITORY [SCREENSHOT-FOLDER]
//
// People, keys by which hosts enrol, hosts' tokens, API tokens, the audit log, one's own password; and
// that nobody is shown what they may not do.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Center, check, launch, run, visit } from './harness.mjs';

const [eyried, makeRepository, shots] = process.argv.slice(2);
const PASSWORD = 'correct horse battery';
const center = new Center(eyried);
let browser;

async function main() {
  await center.start();
  browser = await launch();
  const local = await visit(browser, center, shots);

  await check('nobody signs in yet: the page says how it begins', async () => {
    await local.go('/people');
    await local.seen('eyrie user add NAME --role administrator');
    assert.equal(await local.page.getByRole('button', { name: 'Add a person' }).count(), 0);
    await local.go('/password');
    await local.seen('Nobody signs in here yet');
    await local.clean();
  });

  execFileSync('python3', [makeRepository, '--crashes', '30', '--outbreak', '6', '--hosts', '20', '--days', '5', join(center.temp, 'made')]);
  for (const site of readdirSync(join(center.temp, 'made'))) renameSync(join(center.temp, 'made', site), join(center.repository, site));
  const { alerts } = await center.until('/api/v1/alerts?state=firing', (a) => a.alerts?.length > 0);
  const [reason] = (await center.api('/api/v1/reasons?order=crashes&limit=1')).reasons;
  await local.context.close();

  center.command(PASSWORD, 'user', 'add', 'robin', '--role', 'administrator');
  const robin = await visit(browser, center, shots);
  robin.quiet = true; // 401 before one signs in
  await robin.go('/people');
  await robin.signIn('robin', PASSWORD);
  robin.quiet = false;
  const kim = await visit(browser, center, shots);
  let given;

  await check('a person is added, with a password that is shown once', async () => {
    const { page } = robin;
    await page.getByRole('heading', { name: 'People' }).waitFor();
    await page.getByRole('button', { name: 'Add a person' }).click();
    const dialog = page.locator('dialog[open]');
    await dialog.getByLabel('Name to sign in with').fill('kim');
    given = await dialog.locator('input[name=password]').inputValue();
    assert.match(given, /^[a-zA-Z2-9]{5}(-[a-zA-Z2-9]{5}){3}$/);
    await robin.shot('people-add');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await page.locator('[data-secret]', { hasText: given }).waitFor();
    await page.getByRole('row', { name: /kim viewer/ }).waitFor();
    await robin.shot('people');
    await page.getByRole('button', { name: 'I have it' }).click();
    assert.equal(await page.locator('[data-secret]').count(), 0);
    // One's own row has no buttons: who changes people stays an administrator.
    assert.equal(await page.getByRole('row', { name: /robin/ }).getByRole('button').count(), 0);
  });

  await check('a bad name is refused in one sentence', async () => {
    const { page } = robin;
    await page.getByRole('button', { name: 'Add a person' }).click();
    robin.quiet = true;
    const dialog = page.locator('dialog[open]');
    await dialog.getByLabel('Name to sign in with').fill('<b>kim</b>');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog.getByRole('alert').filter({ hasText: 'must be 1 to 64 letters, digits and ._@+-' }).waitFor();
    await dialog.getByLabel('Name to sign in with').fill('robin');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog.getByRole('alert').filter({ hasText: 'there is a user "robin" already' }).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    robin.quiet = false;
  });

  await check('a viewer is shown nothing that viewers may not', async () => {
    const { page } = kim;
    kim.quiet = true;
    await kim.go('/');
    await kim.signIn('kim', given);
    kim.quiet = false;
    for (const name of ['People', 'Hosts\' keys', 'Audit log']) assert.equal(await page.getByRole('link', { name }).count(), 0, name);
    await kim.go('/alerts');
    await page.locator('.alert-firing').first().waitFor();
    assert.equal(await page.getByRole('button', { name: 'Take it' }).count(), 0);
    await kim.go(`/reasons/${reason.id}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    for (const name of ['Make an issue', 'Merge…', 'Split…']) assert.equal(await page.getByRole('button', { name }).count(), 0, name);
    await kim.go('/issues');
    await page.getByRole('heading', { name: 'Issues' }).waitFor();
    assert.equal(await page.getByRole('button', { name: /New issue/ }).count(), 0);
    await kim.clean();
    kim.quiet = true;
    for (const path of ['/people', '/enrolment', '/audit']) {
      await kim.go(path);
      await kim.seen('you may not do that');
      assert.equal(await page.getByRole('table').count(), 0, path);
    }
    kim.quiet = false;
  });

  await check('one changes one\'s own password, and stays signed in', async () => {
    const { page } = kim;
    await page.getByRole('link', { name: 'Password' }).click();
    await page.getByLabel('Present password').fill('not this one at all');
    await page.getByLabel('New password', { exact: true }).fill('short');
    await kim.seen('It needs at least 12 characters');
    await page.getByLabel('New password', { exact: true }).fill('a much better one');
    await page.getByLabel('New password, once more').fill('a much better two');
    await kim.seen('The two new ones differ');
    await page.getByLabel('New password, once more').fill('a much better one');
    kim.quiet = true;
    await page.getByRole('button', { name: 'Change' }).click();
    await kim.seen('the present password is wrong');
    kim.quiet = false;
    await page.getByLabel('Present password').fill(given);
    await page.getByRole('button', { name: 'Change' }).click();
    await kim.seen('Your password is changed');
    await kim.shot('password');
    await page.getByRole('link', { name: 'Crashes', exact: true }).first().click();
    await page.locator('tr[data-row]').first().waitFor();
    // And what changes something has the word of the new session.
    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.getByRole('button', { name: 'New token' }).click();
    const dialog = page.locator('dialog[open]');
    await dialog.getByLabel('What for').fill('kim at night');
    assert.equal(await dialog.locator('input[type=checkbox]').count(), 1, 'a viewer\'s token may view');
    await dialog.getByRole('button', { name: 'Make' }).click();
    await page.locator('[data-secret]').waitFor();
    await kim.clean();
  });

  await check('a role counts at once', async () => {
    const { page } = robin;
    await page.getByRole('row', { name: /kim viewer/ }).getByRole('button', { name: 'Role…' }).click();
    const dialog = page.locator('dialog[open]');
    await dialog.locator('select[name=role]').selectOption('engineer');
    await dialog.getByLabel('download dumps').check();
    await dialog.getByRole('button', { name: 'Set' }).click();
    await page.getByRole('row', { name: /kim engineer download/ }).waitFor();
    await kim.go('/alerts');
    await kim.page.getByRole('button', { name: 'Take it' }).first().click();
    await kim.page.locator('dialog[open]').getByRole('button', { name: 'Take it' }).click();
    await kim.page.locator('.alert-acknowledged', { hasText: 'kim' }).waitFor();
    assert.ok(alerts.length > 0);
  });

  await check('who is shut out is at the door, and comes in when let in', async () => {
    const { page } = robin;
    await page.getByRole('row', { name: /kim/ }).getByRole('button', { name: 'Shut out…' }).click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Shut out' }).click();
    await page.getByRole('row', { name: /kim shut out/ }).waitFor();
    kim.quiet = true;
    await kim.page.getByRole('form', { name: 'Sign in' }).waitFor({ timeout: 30000 });
    await page.getByRole('row', { name: /kim/ }).getByRole('button', { name: 'Let in…' }).click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Let in' }).click();
    await page.getByRole('row', { name: /kim engineer/ }).waitFor();
    await kim.signIn('kim', 'a much better one');
    kim.quiet = false;
  });

  await check('a reset password is shown once, and ends the sessions', async () => {
    const { page } = robin;
    await page.getByRole('row', { name: /kim/ }).getByRole('button', { name: 'Reset password…' }).click();
    kim.quiet = true;
    await page.locator('dialog[open]').getByRole('button', { name: 'Reset' }).click();
    const secret = await page.locator('[data-secret]').textContent();
    await kim.page.getByRole('form', { name: 'Sign in' }).waitFor({ timeout: 30000 });
    await kim.signIn('kim', secret);
    kim.quiet = false;
    await robin.clean();
  });

  let key;
  await check('an enrolment key is made and shown once; hosts enrol; it is revoked', async () => {
    const { page } = robin;
    await page.getByRole('link', { name: 'Hosts\' keys' }).click();
    await page.getByRole('button', { name: 'New key…' }).click();
    const dialog = page.locator('dialog[open]');
    await dialog.getByLabel('What for').fill('rack 7');
    await dialog.getByLabel('Site').fill('ams1');
    await dialog.getByLabel('How many hosts').fill('2');
    await dialog.getByRole('button', { name: 'Make' }).click();
    key = await page.locator('[data-secret]').textContent();
    assert.match(key, /^eyrie_k_[\w-]{43}$/);
    const enrol = (hostname, id) => fetch(`${center.base}/api/v1/enroll`, {
      method: 'POST', headers: { 'Authorization': `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ hostname, machine_id: id.repeat(32) }) });
    assert.equal((await enrol('<img src=x onerror=alert(1)>', 'a')).status, 201);
    assert.equal((await enrol('web-02', 'b')).status, 201);
    assert.equal((await enrol('web-03', 'c')).status, 401);
    await page.getByRole('row', { name: /rack 7 ams1 2 of 2/ }).waitFor();
    await page.getByRole('row', { name: /web-02 ams1/ }).waitFor();
    await page.getByRole('row', { name: /<img src=x/ }).waitFor();
    assert.equal(await page.locator('main img').count(), 0);
    await robin.shot('enrolment');
    await page.getByRole('table', { name: 'Enrolment keys' }).getByRole('button', { name: 'Revoke…' }).click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('cell', { name: 'revoked' }).waitFor();
  });

  await check('a host\'s token is found by name, and revoked', async () => {
    const { page } = robin;
    await page.getByRole('searchbox').fill('web-02');
    await page.waitForURL(/q=web-02/);
    const table = page.getByRole('table', { name: 'Tokens of hosts' });
    await table.getByRole('row').nth(2).waitFor({ state: 'detached' });
    await table.getByRole('button', { name: 'Revoke…' }).click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Revoke' }).click();
    await robin.seen('No host of that name or machine-id has a token in force');
    await robin.clean();
  });

  await check('API tokens have scopes and an end, are shown once, and revoked; everybody\'s by administrators', async () => {
    const { page } = robin;
    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.getByRole('button', { name: 'New token' }).click();
    const dialog = page.locator('dialog[open]');
    await dialog.getByLabel('What for').fill('nightly');
    await dialog.getByLabel('triage:').check();
    await dialog.getByLabel('Days in force').fill('7');
    await robin.shot('tokens-new');
    await dialog.getByRole('button', { name: 'Make' }).click();
    const secret = await page.locator('[data-secret]').textContent();
    assert.match(secret, /^eyrie_t_[\w-]{43}$/);
    const session = await center.api('/api/v1/session', { headers: { Authorization: `Bearer ${secret}` } });
    assert.deepEqual(session.permissions, ['view', 'triage']);
    await page.getByRole('row', { name: /nightly robin view, triage/ }).waitFor();
    await page.reload();
    await page.getByRole('row', { name: /nightly/ }).waitFor();
    assert.equal(await page.locator('[data-secret]').count(), 0, 'never again');
    assert.equal(await page.getByRole('row', { name: /kim at night/ }).count(), 0);
    await page.getByRole('button', { name: 'Everybody\'s' }).click();
    await page.getByRole('row', { name: /kim at night kim view/ }).waitFor();
    await robin.shot('tokens');
    await page.getByRole('row', { name: /nightly/ }).getByRole('button', { name: 'Revoke…' }).click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('row', { name: /nightly.*revoked/ }).waitFor();
    assert.equal((await center.api('/api/v1/session', { headers: { Authorization: `Bearer ${secret}` } })).kind, 'anonymous');
  });

  await check('the audit log is filtered, and goes back page by page', async () => {
    const { page } = robin;
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.getByRole('cell', { name: 'token.revoke' }).first().waitFor();
    await robin.shot('audit');
    await page.locator('select[name=action]').selectOption('user.');
    await page.waitForURL(/action=user/);
    await page.getByRole('cell', { name: 'token.revoke' }).first().waitFor({ state: 'detached' });
    const row = page.getByRole('row', { name: /robin.*user\.role kim engineer/ });
    await row.waitFor();
    await page.getByLabel('Who', { exact: true }).fill('kim');
    await page.getByLabel('Who', { exact: true }).press('Enter');
    await page.waitForURL(/who=kim/);
    await row.waitFor({ state: 'detached' });
    await page.getByRole('cell', { name: 'user.passwd' }).waitFor();
    await robin.go('/audit?until=2020-01-01');
    await robin.seen('none fits these filters');
    for (let i = 0; i < 101; i++) center.command(null, 'user', 'role', 'kim', '--role', i % 2 ? 'viewer' : 'engineer');
    await robin.go('/audit');
    await page.getByRole('button', { name: 'More rows' }).click();
    await page.getByRole('cell', { name: 'token.revoke' }).first().waitFor();
    const ids = await page.locator('tbody tr').count();
    assert.ok(ids > 101, `${ids} rows`);
    await robin.clean();
  });

  await check('on a narrow screen nothing sticks out', async () => {
    const { page } = robin;
    for (const path of ['/people', '/enrolment', '/tokens', '/audit', '/password']) {
      await page.setViewportSize({ width: 1600, height: 1000 });
      await robin.go(path);
      await page.locator('h1').waitFor();
      for (const width of [1280, 800, 400]) {
        await page.setViewportSize({ width, height: 900 });
        await page.waitForFunction(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth, undefined, { timeout: 5000 })
          .catch(() => assert.fail(`${path} at ${width} px`));
      }
      assert.equal(await page.locator('h1').count(), 1, path);
    }
  });
}

await run(main, async () => {
  await browser?.close();
  await center.remove();
});

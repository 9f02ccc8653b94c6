// SPDX-License-Identifier: GPL-2.0-or-later
// One's own password.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { changePassword, useSession } from '../session';
import { Empty } from '../ui/parts';

const MIN = 12;

export function Password(): JSX.Element {
  const session = useSession();
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const [said, setSaid] = useState<{ error?: string; done?: boolean }>({});
  const [busy, setBusy] = useState(false);
  if (session?.kind !== 'person')
    return <Empty title="Nobody signs in here yet"><p>People have a password once there are users: <code>eyrie user add</code> on the center.</p></Empty>;
  const wrong = next && next.length < MIN ? `It needs at least ${MIN} characters.` : again && next !== again ? 'The two new ones differ.' : '';
  const send = async (e: Event): Promise<void> => {
    e.preventDefault();
    setBusy(true);
    setSaid({});
    try {
      await changePassword(old, next);
      setOld('');
      setNext('');
      setAgain('');
      setSaid({ done: true });
    } catch (x) {
      setSaid({ error: x instanceof Error ? x.message : String(x) });
    }
    setBusy(false);
  };
  return (
    <>
      <div class="page-head"><h1>Password</h1></div>
      <form class="panel narrow-form" onSubmit={(e) => void send(e)} aria-label="Change the password">
        <input class="offscreen" name="username" autocomplete="username" value={session.name ?? ''} readOnly tabIndex={-1} aria-hidden="true" />
        <label>Present password
          <input name="old" type="password" value={old} required maxLength={1024} autocomplete="current-password" onInput={(e) => setOld(e.currentTarget.value)} />
        </label>
        <label>New password
          <input name="new" type="password" value={next} required maxLength={1024} autocomplete="new-password" onInput={(e) => setNext(e.currentTarget.value)} />
        </label>
        <label>New password, once more
          <input name="again" type="password" value={again} required maxLength={1024} autocomplete="new-password" onInput={(e) => setAgain(e.currentTarget.value)} />
        </label>
        <p class="quiet">Your sessions elsewhere end with the change; this one goes on.</p>
        {(wrong || said.error) && <p class="form-error" role="alert">{wrong || said.error}</p>}
        {said.done && <p class="form-done" role="status">Your password is changed.</p>}
        <div><button type="submit" class="button button-strong" disabled={busy || !old || !next || next !== again || !!wrong}>Change</button></div>
      </form>
    </>
  );
}

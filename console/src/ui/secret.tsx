// SPDX-License-Identifier: GPL-2.0-or-later
// A secret that was just made, shown this once; and the dialog that asks before something ends.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { remove } from '../api';
import { refreshAll } from '../live';
import { Copy } from './parts';

export function ShownOnce(props: { secret: string; what: string; children?: ComponentChildren; onDone: () => void }): JSX.Element {
  return (
    <section class="panel once" role="status" aria-label={props.what}>
      <p><b>Copy {props.what} now: it is never shown again.</b></p>
      <p class="once-secret"><code data-secret>{props.secret}</code><Copy text={props.secret} label={`Copy ${props.what}`} /></p>
      {props.children}
      <p><button type="button" class="button button-small" onClick={props.onDone}>I have it</button></p>
    </section>
  );
}

/** Ask, then DELETE `path`. */
export function Confirm(props: { title: string; what: string; note: string; button: string; path: string; onDone: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const send = async (e: Event): Promise<void> => {
    e.preventDefault();
    setBusy(true);
    try {
      await remove(props.path);
      refreshAll();
      props.onDone();
    } catch (x) {
      setError(x instanceof Error ? x.message : String(x));
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} class="dialog" onClose={props.onDone} aria-label={props.title}>
      <form onSubmit={(e) => void send(e)}>
        <h2>{props.title}</h2>
        <p class="dialog-what">{props.what}</p>
        <p>{props.note}</p>
        {error && <p class="form-error" role="alert">{error}</p>}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>Cancel</button>
          <button type="submit" class="button button-bad" disabled={busy}>{props.button}</button>
        </div>
      </form>
    </dialog>
  );
}

/** A password that nobody has to think up: 20 letters and digits, none of which look alike. */
export function madePassword(): string {
  const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
  const word = (): string => {
    const bytes = crypto.getRandomValues(new Uint8Array(64));
    // Numbers beyond the last whole multiple would make the first letters likelier.
    return [...bytes].filter((b) => b < 256 - (256 % letters.length)).map((b) => letters[b % letters.length]).join('').slice(0, 5);
  };
  return [word(), word(), word(), word()].join('-');
}

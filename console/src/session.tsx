// SPDX-License-Identifier: GPL-2.0-or-later
// Who uses the console: asked once at the start, and forgotten as soon as the server says 401. The
// address stays while one signs in, so that one is where one was.

import type { JSX } from 'preact';
import { useEffect, useReducer, useState } from 'preact/hooks';
import { ApiError, getJson, onSignedOut, post, remove, setCsrf } from './api';
import { startEvents, stopEvents } from './events';
import { refreshAll } from './live';
import { Mark } from './ui/icons';

export interface Session {
  kind: 'anonymous' | 'local' | 'person' | 'token' | 'host';
  name: string | null;
  permissions: string[];
  csrf: string | null;
}

const PATH = '/api/v1/session';
const listeners = new Set<() => void>();
/** null: not asked yet. */
let session: Session | null = null;

function set(to: Session): void {
  session = to;
  if (to.kind === 'anonymous') stopEvents();
  else startEvents();
  setCsrf(to.csrf);
  for (const fn of listeners) fn();
}

onSignedOut(() => {
  if (session && session.kind !== 'anonymous') set({ kind: 'anonymous', name: null, permissions: [], csrf: null });
});

async function load(): Promise<void> {
  for (;;) {
    try {
      set(await getJson<Session>(PATH));
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 3000));
    }
  }
}

export function useSession(): Session | null {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const fn = (): void => redraw(undefined);
    listeners.add(fn);
    // The answer may have come before this, which runs after the first paint.
    fn();
    return () => void listeners.delete(fn);
  }, []);
  return session;
}

/** Whether who uses the console may do that; buttons for what one may not are not shown. */
export function useMay(permission: string): boolean {
  return useSession()?.permissions.includes(permission) ?? false;
}

/** The answer carries the session that goes on; all others have ended. */
export async function changePassword(old: string, next: string): Promise<void> {
  set(await post<Session>('/api/v1/password', { old, new: next }));
}

export function startSession(): void {
  void load();
}

export async function signOut(): Promise<void> {
  try {
    set(await remove<Session>(PATH));
  } catch (e) {
    // Ended already.
    if (e instanceof ApiError) void load();
  }
}

export function SignIn(): JSX.Element {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = 'Sign in · Eyrie';
  }, []);
  const send = async (e: Event): Promise<void> => {
    e.preventDefault();
    setBusy(true);
    try {
      set(await post<Session>(PATH, { name: name.trim(), password }));
      refreshAll();
    } catch (x) {
      setError(x instanceof Error ? x.message : String(x));
      setPassword('');
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <form class="panel" onSubmit={(e) => void send(e)} aria-label="Sign in">
        <div class="sign-in-head"><Mark /><h1>Eyrie</h1></div>
        <label>Name
          <input name="name" value={name} required autoFocus maxLength={64} autocomplete="username" spellcheck={false}
            autocapitalize="none" onInput={(e) => setName(e.currentTarget.value)} />
        </label>
        <label>Password
          <input name="password" type="password" value={password} required maxLength={1024} autocomplete="current-password"
            onInput={(e) => setPassword(e.currentTarget.value)} />
        </label>
        {error && <p class="form-error" role="alert">{error}</p>}
        <button type="submit" class="button button-strong" disabled={busy || !name.trim() || !password}>Sign in</button>
      </form>
    </main>
  );
}

// SPDX-License-Identifier: GPL-2.0-or-later
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { post, remove } from '../api';
import { refreshAll, useLive } from '../live';
import { useSession } from '../session';
import { Ago, Empty, NotYet, Panel } from '../ui/parts';

interface Token {
  id: number;
  user: string;
  name: string;
  scopes: string[];
  created: string;
  expires: string | null;
  last_used: string | null;
  revoked: string | null;
}

function Make({ may }: { may: string[] }): JSX.Element {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<string[]>(['view']);
  const [days, setDays] = useState('90');
  const [secret, setSecret] = useState('');
  const [error, setError] = useState('');
  const send = async (e: Event): Promise<void> => {
    e.preventDefault();
    try {
      const made = await post<{ secret: string }>('/api/v1/tokens', { name: name.trim(), scopes, days: Number(days) });
      setSecret(made.secret);
      setError('');
      setName('');
      refreshAll();
    } catch (x) {
      setError(x instanceof Error ? x.message : String(x));
    }
  };
  const toggle = (scope: string): void =>
    setScopes((s) => (s.includes(scope) ? s.filter((x) => x !== scope) : [...s, scope]));
  return (
    <Panel title="New token">
      <form class="token-form" onSubmit={(e) => void send(e)} aria-label="New token">
        <label>What for <input name="token-name" value={name} maxLength={60} required onInput={(e) => setName(e.currentTarget.value)} /></label>
        <label>Days <input name="days" type="number" min={1} max={3650} value={days} required onInput={(e) => setDays(e.currentTarget.value)} /></label>
        <fieldset>
          <legend>It may</legend>
          {may.map((s) => (
            <label key={s}><input type="checkbox" checked={scopes.includes(s)} onChange={() => toggle(s)} /> {s}</label>
          ))}
        </fieldset>
        <button type="submit" class="button button-strong" disabled={!name.trim() || !scopes.length}>Make</button>
      </form>
      {error && <p class="form-error" role="alert">{error}</p>}
      {secret && (
        <p role="status">Copy it now, it is never shown again: <code data-secret>{secret}</code></p>
      )}
    </Panel>
  );
}

/** One's own tokens for scripts. */
export function Tokens(): JSX.Element {
  const session = useSession();
  const list = useLive<{ tokens: Token[] }>('/api/v1/tokens');
  const revoke = (id: number): void => void remove(`/api/v1/tokens/${id}`).finally(refreshAll);
  const tokens = list.data?.tokens;
  return (
    <>
      <div class="page-head"><h1>API tokens</h1></div>
      {session?.kind === 'person' && <Make may={session.permissions} />}
      {!tokens && <NotYet error={list.error} />}
      {tokens?.length === 0 && <Empty title="No token"><p>Scripts use the API with a token in place of a password.</p></Empty>}
      {tokens && tokens.length > 0 && (
        <section class="panel table-box" aria-label="Tokens">
          <table aria-label="Tokens">
            <thead><tr><th scope="col">What for</th><th scope="col">Whose</th><th scope="col">May</th><th scope="col">Made</th><th scope="col">Ends</th><th scope="col">Used</th><th scope="col" /></tr></thead>
            <tbody>
              {tokens.map((t) => (
                <tr key={t.id}>
                  <td>{t.name}</td>
                  <td>{t.user}</td>
                  <td>{t.scopes.join(', ')}</td>
                  <td><Ago time={t.created} /></td>
                  <td class="num">{t.revoked ? 'revoked' : (t.expires?.slice(0, 10) ?? 'never')}</td>
                  <td>{t.last_used ? <Ago time={t.last_used} /> : <span class="quiet">never</span>}</td>
                  <td>{!t.revoked && <button type="button" class="button button-small" onClick={() => revoke(t.id)}>Revoke</button>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}

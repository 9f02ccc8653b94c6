// SPDX-License-Identifier: GPL-2.0-or-later
// Tokens for scripts: one's own, and for administrators everybody's.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useLive, useNow } from '../live';
import { setParam, useRoute } from '../router';
import { useMay, useSession } from '../session';
import { FormDialog } from '../ui/form';
import { Ago, Empty, NotYet } from '../ui/parts';
import { Confirm, ShownOnce } from '../ui/secret';

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

const WORDS: { [permission: string]: string } = {
  view: 'view: read everything but dumps',
  triage: 'triage: take alerts, work on issues',
  merge: 'merge: merge and split reasons',
  download: 'download: take dumps away (they hold secrets)',
  operate: 'operate: holds, changes, the life of hosts',
  administer: 'administer: keys, tokens, the audit log',
  submit: 'submit: send crashes for any host',
};

/** Why it counts no more; '' while it does. */
function over(t: Token, now: number): string {
  if (t.revoked) return 'revoked';
  return t.expires && Date.parse(t.expires) <= now ? 'expired' : '';
}

export function Tokens(): JSX.Element {
  const session = useSession();
  const { params } = useRoute();
  const now = useNow(30000);
  const administers = useMay('administer');
  const inPerson = session?.kind === 'person';
  const everybody = administers && (params.get('all') === '1' || !inPerson);
  const list = useLive<{ tokens: Token[] }>(everybody ? '/api/v1/tokens?all=1' : '/api/v1/tokens');
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState('');
  const [ending, setEnding] = useState<Token | null>(null);
  const tokens = list.data?.tokens;
  return (
    <>
      <div class="page-head">
        <h1>API tokens</h1>
        {inPerson && <button type="button" class="button button-strong" onClick={() => setMaking(true)}>New token</button>}
        {inPerson && administers && (
          <button type="button" class={`button ${everybody ? 'button-on' : ''}`} aria-pressed={everybody} onClick={() => setParam('all', everybody ? '' : '1')}>Everybody's</button>
        )}
      </div>
      {secret && (
        <ShownOnce secret={secret} what="the token" onDone={() => setSecret('')}>
          <p class="quiet">Scripts send it as “Authorization: Bearer …”; <code>eyrie --help</code> says where the commands look for it.</p>
        </ShownOnce>
      )}
      {!tokens && <NotYet error={list.error} />}
      {tokens?.length === 0 && <Empty title="No token"><p>Scripts use the API with a token in place of a password.</p></Empty>}
      {tokens && tokens.length > 0 && (
        <section class="panel table-box" aria-label="Tokens">
          <table aria-label="Tokens">
            <thead><tr><th scope="col">What for</th><th scope="col" style={{ width: '9rem' }}>Whose</th><th scope="col">May</th><th scope="col" class="drop-3" style={{ width: '9rem' }}>Made</th><th scope="col" style={{ width: '8rem' }}>Ends</th><th scope="col" style={{ width: '8rem' }}>Used</th><th scope="col" style={{ width: '7rem' }} /></tr></thead>
            <tbody>
              {tokens.map((t) => {
                const ended = over(t, now);
                return (
                  <tr key={t.id} class={ended ? 'row-off' : ''}>
                    <td title={t.name}>{t.name}</td>
                    <td>{t.user}</td>
                    <td title={t.scopes.join(', ')}>{t.scopes.join(', ')}</td>
                    <td class="drop-3"><Ago time={t.created} /></td>
                    <td class="num">{ended || (t.expires?.slice(0, 10) ?? 'never')}</td>
                    <td>{t.last_used ? <Ago time={t.last_used} /> : <span class="quiet">never</span>}</td>
                    <td class="row-buttons">{!ended && <button type="button" class="button button-small" onClick={() => setEnding(t)}>Revoke…</button>}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </section>
      )}
      {making && session && (
        <FormDialog<{ secret: string }> title="New token" button="Make" path="/api/v1/tokens" nameless onDone={() => setMaking(false)}
          note="It never may more than you do, also later."
          fields={[
            { name: 'name', label: 'What for', required: true },
            { name: 'scopes', label: 'It may', value: 'view', many: true, required: true, choices: session.permissions.map((p) => ({ value: p, label: WORDS[p] ?? p })) },
            { name: 'days', label: 'Days in force', value: '90', number: [1, 3650] },
          ]}
          body={(v) => ({ name: v['name']?.trim(), scopes: (v['scopes'] ?? '').split(' ').filter(Boolean), days: Number(v['days']) })}
          onSent={(made) => setSecret(made.secret)} />
      )}
      {ending && (
        <Confirm title="Revoke the token" what={`${ending.name} (${ending.user})`} button="Revoke" path={`/api/v1/tokens/${ending.id}`}
          note="Whatever uses it is refused from now on. It cannot be taken back." onDone={() => setEnding(null)} />
      )}
    </>
  );
}

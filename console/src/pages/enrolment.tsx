// SPDX-License-Identifier: GPL-2.0-or-later
// How hosts come in: the keys they enrol with, and the tokens that each then has. For administrators.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { number } from '../format';
import { useLive, useNow } from '../live';
import { useRoute } from '../router';
import { FormDialog } from '../ui/form';
import { apiPath, ListFoot, Search, useList } from '../ui/list';
import { Ago, Maybe, NotYet, Panel, Utc } from '../ui/parts';
import { Confirm, ShownOnce } from '../ui/secret';

interface Key {
  id: number;
  name: string;
  site: string;
  max_uses: number;
  uses: number;
  created: string | null;
  expires: string | null;
  revoked: string | null;
}

interface HostToken {
  id: number;
  site: string;
  host: string;
  machine_id: string | null;
  dmi_uuid: string | null;
  created: string | null;
  expires: string | null;
  last_used: string | null;
}

function over(k: Key, now: number): string {
  if (k.revoked) return 'revoked';
  if (k.expires && Date.parse(k.expires) <= now) return 'expired';
  if (k.max_uses && k.uses >= k.max_uses) return 'used up';
  return '';
}

function Keys(): JSX.Element {
  const list = useLive<{ enroll_keys: Key[] }>('/api/v1/enroll-keys');
  const now = useNow(30000);
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState('');
  const [ending, setEnding] = useState<Key | null>(null);
  const keys = list.data?.enroll_keys;
  return (
    <>
      {secret && (
        <ShownOnce secret={secret} what="the key" onDone={() => setSecret('')}>
          <p class="quiet">On each host: put it into a file that only root can read, and run <code>eyrie enroll --key-file FILE</code>.</p>
        </ShownOnce>
      )}
      <Panel title="Enrolment keys" note={<button type="button" class="button button-small" onClick={() => setMaking(true)}>New key…</button>}>
        {!keys && <NotYet error={list.error} />}
        {keys?.length === 0 && <p class="quiet">There is none. A host that has no token yet enrols with the key of its site, and gets a token of its own.</p>}
        {keys && keys.length > 0 && (
          <div class="table-box">
            <table aria-label="Enrolment keys">
              <thead><tr><th scope="col">What for</th><th scope="col" style={{ width: '9rem' }}>Site</th><th scope="col" style={{ width: '9rem' }}>Hosts</th><th scope="col" class="drop-3" style={{ width: '9rem' }}>Made</th><th scope="col" style={{ width: '13rem' }}>Ends</th><th scope="col" style={{ width: '7rem' }} /></tr></thead>
              <tbody>
                {keys.map((k) => {
                  const ended = over(k, now);
                  return (
                    <tr key={k.id} class={ended ? 'row-off' : ''}>
                      <td title={k.name}>{k.name}</td>
                      <td>{k.site}</td>
                      <td class="num">{number(k.uses)}{k.max_uses ? ` of ${number(k.max_uses)}` : ''}</td>
                      <td class="drop-3"><Ago time={k.created} /></td>
                      <td>{ended || <Utc time={k.expires} />}</td>
                      <td class="row-buttons">{!k.revoked && <button type="button" class="button button-small" onClick={() => setEnding(k)}>Revoke…</button>}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
      {making && (
        <FormDialog<{ secret: string }> title="New enrolment key" button="Make" path="/api/v1/enroll-keys" nameless onDone={() => setMaking(false)}
          note="Whoever has it can enrol hosts of that site, and nothing else."
          fields={[
            { name: 'name', label: 'What for', required: true },
            { name: 'site', label: 'Site (empty: the one of this center)' },
            { name: 'uses', label: 'How many hosts (0: as many as come)', value: '0', number: [0, 2147483647] },
            { name: 'days', label: 'Days in force', value: '30', number: [1, 3650] },
          ]}
          body={(v) => ({ name: v['name']?.trim(), ...(v['site']?.trim() ? { site: v['site'].trim() } : {}), uses: Number(v['uses']), days: Number(v['days']) })}
          onSent={(made) => setSecret(made.secret)} />
      )}
      {ending && (
        <Confirm title="Revoke the key" what={ending.name} button="Revoke" path={`/api/v1/enroll-keys/${ending.id}`} onDone={() => setEnding(null)}
          note="No further host can enrol with it. Hosts that did keep their tokens." />
      )}
    </>
  );
}

function HostTokens(): JSX.Element {
  const { params } = useRoute();
  const q = params.get('q') ?? '';
  const list = useList<HostToken>(apiPath('/api/v1/host-tokens', new URLSearchParams(q ? { host: q } : {}), ['host'], { limit: '100' }), 'host_tokens');
  const [ending, setEnding] = useState<HostToken | null>(null);
  return (
    <>
      <Panel title="Hosts that have a token" note={<Search placeholder="Exact host name or machine-id" />}>
        {!list.data && <NotYet error={list.error} />}
        {list.data && list.rows.length === 0 && <p class="quiet">{q ? 'No host of that name or machine-id has a token in force.' : 'None yet.'}</p>}
        {list.rows.length > 0 && (
          <div class={`table-box ${list.pending ? 'table-stale' : ''}`}>
            <table aria-label="Tokens of hosts">
              <thead><tr><th scope="col">Host</th><th scope="col" style={{ width: '9rem' }}>Site</th><th scope="col" class="drop-3" style={{ width: '19rem' }}>Machine-id</th><th scope="col" style={{ width: '9rem' }}>Enrolled</th><th scope="col" style={{ width: '9rem' }}>Used</th><th scope="col" style={{ width: '7rem' }} /></tr></thead>
              <tbody>
                {list.rows.map((t) => (
                  <tr key={t.id}>
                    <td title={t.host}>{t.host}{t.expires && <> <span class="badge" title={`until ${t.expires}`}>replaced</span></>}</td>
                    <td>{t.site}</td>
                    <td class="drop-3 mono" title={t.machine_id ?? t.dmi_uuid ?? ''}><Maybe text={t.machine_id ?? t.dmi_uuid} /></td>
                    <td><Ago time={t.created} /></td>
                    <td>{t.last_used ? <Ago time={t.last_used} /> : <span class="quiet">never</span>}</td>
                    <td class="row-buttons"><button type="button" class="button button-small" onClick={() => setEnding(t)}>Revoke…</button></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Panel>
      <ListFoot list={list} noun="hosts" />
      {ending && (
        <Confirm title="Revoke the host's token" what={ending.host} button="Revoke" path={`/api/v1/host-tokens/${ending.id}`} onDone={() => setEnding(null)}
          note="The host can send nothing from now on, until it enrols again with a key." />
      )}
    </>
  );
}

export function Enrolment(): JSX.Element {
  return (
    <>
      <div class="page-head"><h1>Hosts' keys</h1></div>
      <div class="stack"><Keys /><HostTokens /></div>
    </>
  );
}

// SPDX-License-Identifier: GPL-2.0-or-later
import type { JSX } from 'preact';
import { useRoute } from '../router';
import { apiPath, Chips, ListFoot, Select, useList } from '../ui/list';
import { Ago, Empty, Maybe, NotYet } from '../ui/parts';

interface Row {
  id: number;
  time: string;
  kind: string;
  who: string | null;
  address: string | null;
  action: string;
  object: string | null;
  detail: string | null;
}

const SUBJECTS = ['alert.', 'change.', 'dump.', 'enroll-key.', 'host.', 'host-token.', 'issue.', 'reason.', 'sign-in', 'sign-in.failed', 'token.', 'user.'];

/** Who changed or took away what, from where, when. */
export function Audit(): JSX.Element {
  const { params } = useRoute();
  const list = useList<Row>(apiPath('/api/v1/audit', params, ['action', 'who', 'object'], { limit: '100' }), 'audit');
  return (
    <>
      <div class="page-head">
        <h1>Audit log</h1>
        <div class="filters">
          <Select name="action" label="What" choices={SUBJECTS.map((s) => ({ value: s, label: s.replace(/\.$/, '') }))} />
          <Chips chips={[{ name: 'who', label: <>by {params.get('who')}</> }, { name: 'object', label: <>to {params.get('object')}</> }]} />
        </div>
      </div>
      {!list.data && <NotYet error={list.error} />}
      {list.data && list.rows.length === 0 && <Empty title="Nothing"><p>Each change and each download stands here.</p></Empty>}
      {list.rows.length > 0 && (
        <section class="panel table-box" aria-label="Audit log">
          <table aria-label="Audit log">
            <thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">From</th><th scope="col">What</th><th scope="col">To what</th><th scope="col" /></tr></thead>
            <tbody>
              {list.rows.map((r) => (
                <tr key={r.id}>
                  <td><Ago time={r.time} /></td>
                  <td><Maybe text={r.who} />{r.kind !== 'person' && <span class="quiet"> ({r.kind})</span>}</td>
                  <td class="num"><Maybe text={r.address} /></td>
                  <td>{r.action}</td>
                  <td><Maybe text={r.object} /></td>
                  <td class="quiet">{r.detail}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      <ListFoot list={list} noun="rows" />
    </>
  );
}

// SPDX-License-Identifier: GPL-2.0-or-later
import type { JSX } from 'preact';
import { useRoute } from '../router';
import { apiPath, DateFilter, ListFoot, Select, TextFilter, useList } from '../ui/list';
import { Empty, Maybe, NotYet, Utc } from '../ui/parts';

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

const SUBJECTS = ['alert.', 'change.', 'dump.', 'enroll-key.', 'hold.', 'host.', 'host-token.', 'issue.', 'reason.', 'sign-in', 'sign-in.failed', 'token.', 'user.'];

/** Who changed or took away what, from where, when. */
export function Audit(): JSX.Element {
  const { params } = useRoute();
  const list = useList<Row>(apiPath('/api/v1/audit', params, ['action', 'who', 'object', 'since', 'until'], { limit: '100' }), 'audit');
  return (
    <>
      <div class="page-head">
        <h1>Audit log</h1>
        <div class="filters">
          <Select name="action" label="What" choices={SUBJECTS.map((s) => ({ value: s, label: s.replace(/\.$/, '') }))} />
          <TextFilter name="who" label="Who" />
          <TextFilter name="object" label="To what" />
          <DateFilter name="since" label="From" />
          <DateFilter name="until" label="Before" />
        </div>
      </div>
      {!list.data && <NotYet error={list.error} />}
      {list.data && list.rows.length === 0 && <Empty icon="search" title="Nothing"><p>Each change and each download stands here; none fits these filters.</p></Empty>}
      {list.rows.length > 0 && (
        <section class={`panel table-box ${list.pending ? 'table-stale' : ''}`} aria-label="Audit log">
          <table aria-label="Audit log">
            <thead><tr><th scope="col" style={{ width: '12rem' }}>When</th><th scope="col" style={{ width: '13rem' }}>Who</th><th scope="col" class="drop-3" style={{ width: '11rem' }}>From</th><th scope="col" style={{ width: '12rem' }}>What</th><th scope="col" style={{ width: '12rem' }}>To what</th><th scope="col">More</th></tr></thead>
            <tbody>
              {list.rows.map((r) => (
                <tr key={r.id}>
                  <td><Utc time={r.time} /></td>
                  <td><Maybe text={r.who} />{r.kind !== 'person' && <span class="quiet"> ({r.kind})</span>}</td>
                  <td class="num drop-3"><Maybe text={r.address} /></td>
                  <td>{r.action}</td>
                  <td title={r.object ?? ''}><Maybe text={r.object} /></td>
                  <td class="quiet" title={r.detail ?? ''}>{r.detail}</td>
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

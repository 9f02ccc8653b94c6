// SPDX-License-Identifier: GPL-2.0-or-later
import type { JSX } from 'preact';
import type { Facets, Reason } from '../api';
import { number } from '../format';
import { useLive } from '../live';
import { Link, useRoute } from '../router';
import { apiPath, Chips, ListFoot, Search, Select, useList } from '../ui/list';
import { Ago, Empty, Kind, NotYet, ReasonState, STATES, stateWord, Utc, What } from '../ui/parts';
import { type Column, Table } from '../ui/table';

const FILTERS = ['q', 'order', 'state', 'kind', 'host', 'model', 'seen_since', 'first_seen_since'];
const columns: Column<Reason>[] = [
  { head: 'State', width: '7.5rem', cell: (r) => <ReasonState state={r.state} /> },
  {
    head: 'Reason',
    cell: (r) => (
      <Link to={`/reasons/${r.id}`} class="cell-title" title={`${r.title ?? ''}\n${r.key}`}>
        <Kind kind={r.kind} /><What guilty={r.guilty} title={r.title ?? r.key} />
      </Link>
    ),
  },
  { head: 'Crashes', width: '5.5rem', num: true, cell: (r) => number(r.crashes) },
  { head: 'Hosts', width: '5rem', num: true, cell: (r) => number(r.hosts) },
  { head: 'First seen', width: '12rem', drop: 2, cell: (r) => <Utc time={r.first_seen} /> },
  { head: 'Last seen', width: '8rem', cell: (r) => <Ago time={r.last_seen} /> },
];

export function Reasons(): JSX.Element {
  const { params } = useRoute();
  const list = useList<Reason>(apiPath('/api/v1/reasons', params, FILTERS, { limit: '100' }), 'reasons');
  const facets = useLive<Facets>('/api/v1/facets', 60000).data;
  return (
    <>
      <div class="page-head">
        <h1>Reasons</h1>
        <div class="filters">
          <Search placeholder="Title, key or function" />
          <Select name="state" label="State" choices={STATES.map((s) => ({ value: s, label: stateWord(s) }))} />
          <Select name="kind" label="Kind" choices={(facets?.kinds ?? []).flatMap((t) => (t.label ? [{ value: t.label, label: t.label }] : []))} />
          <Select name="order" label="Order" any="last seen" choices={[
            { value: 'first_seen', label: 'first seen' },
            { value: 'crashes', label: 'crashes' },
            { value: 'hosts', label: 'hosts' },
          ]} />
          <Chips chips={[
            { name: 'seen_since', label: <>seen since {params.get('seen_since')?.replace('T', ' ').replace('Z', '')}</> },
            { name: 'first_seen_since', label: <>new since {params.get('first_seen_since')?.replace('T', ' ').replace('Z', '')}</> },
            { name: 'host', label: <>host #{params.get('host')}</> },
            { name: 'model', label: <>model #{params.get('model')}</> },
          ]} />
        </div>
      </div>
      {!list.data && <NotYet error={list.error} />}
      {list.data && list.rows.length === 0 && (
        FILTERS.some((f) => params.get(f))
          ? <Empty icon="search" title="No reason fits these filters"><p><Link to="/reasons">Show all reasons</Link></p></Empty>
          : <Empty title="No crash reason on record"><p>Each crash is counted under its reason; the first crash makes the first.</p></Empty>
      )}
      {list.rows.length > 0 && (
        <section class="panel" aria-label="Reasons">
          <Table label="Reasons" columns={columns} rows={list.rows} id={(r) => r.id} to={(r) => `/reasons/${r.id}`} stale={list.pending} />
        </section>
      )}
      <ListFoot list={list} noun="reasons" />
    </>
  );
}

// SPDX-License-Identifier: GPL-2.0-or-later
import type { JSX } from 'preact';
import { type Facets, type Host, LIVES } from '../api';
import { modelName, number } from '../format';
import { useLive } from '../live';
import { Link, useRoute } from '../router';
import { apiPath, Chips, ListFoot, Search, Select, useList } from '../ui/list';
import { Ago, Empty, Maybe, NotYet } from '../ui/parts';
import { type Column, Table } from '../ui/table';

const FILTERS = ['q', 'order', 'site', 'model', 'reason', 'seen_since', 'life'];

const columns: Column<Host>[] = [
  {
    head: 'Host',
    cell: (h) => (
      <span class="cell-title">
        <Link to={`/hosts/${h.id}`} title={h.name}>{h.name}</Link>
        {h.alert_id !== null && <span class="badge badge-alert">alert</span>}
        {h.life !== 'production' && <span class="badge">{h.life}</span>}
      </span>
    ),
  },
  { head: 'Site', width: '8rem', cell: (h) => h.site },
  { head: 'Model', width: '18rem', drop: 1, cell: (h) => <span title={modelName(h.model)}><Maybe text={modelName(h.model)} /></span> },
  { head: 'Firmware', width: '13rem', drop: 2, cell: (h) => <span title={h.firmware ?? ''}><Maybe text={h.firmware} /></span> },
  { head: 'Kernel', width: '13.5rem', drop: 2, cell: (h) => <span title={h.kernel ?? ''}><Maybe text={h.kernel} /></span> },
  { head: 'Crashes', width: '5.5rem', num: true, cell: (h) => number(h.crashes) },
  { head: 'Reasons', width: '5.5rem', num: true, cell: (h) => number(h.reasons) },
  { head: 'Last crash', width: '8rem', cell: (h) => <Ago time={h.last_seen} /> },
];

export function Hosts(): JSX.Element {
  const { params } = useRoute();
  const list = useList<Host>(apiPath('/api/v1/hosts', params, FILTERS, { limit: '100' }), 'hosts');
  const facets = useLive<Facets>('/api/v1/facets', 60000).data;
  return (
    <>
      <div class="page-head">
        <h1>Hosts</h1>
        <div class="filters">
          <Search placeholder="Name, model or serial" />
          <Select name="site" label="Site" choices={(facets?.sites ?? []).flatMap((t) => (t.label ? [{ value: t.label, label: t.label }] : []))} />
          <Select name="model" label="Model" choices={(facets?.models ?? []).flatMap((m) => (m.id ? [{ value: String(m.id), label: m.label ?? '' }] : []))} />
          <Select name="life" label="Life" choices={LIVES.map((l) => ({ value: l, label: l }))} />
          <Select name="order" label="Order" any="last crash" choices={[{ value: 'crashes', label: 'crashes' }]} />
          <Chips chips={[
            { name: 'reason', label: <>reason #{params.get('reason')}</> },
            { name: 'seen_since', label: <>crashed since {params.get('seen_since')?.replace('T', ' ').replace('Z', '')}</> },
          ]} />
        </div>
      </div>
      {!list.data && <NotYet error={list.error} />}
      {list.data && list.rows.length === 0 && (
        FILTERS.some((f) => params.get(f))
          ? <Empty icon="search" title="No host fits these filters"><p><Link to="/hosts">Show all hosts</Link></p></Empty>
          : <Empty title="No host has crashed"><p>Hosts stand here from their first crash on.</p></Empty>
      )}
      {list.rows.length > 0 && (
        <section class="panel" aria-label="Hosts">
          <Table label="Hosts" columns={columns} rows={list.rows} id={(h) => h.id} to={(h) => `/hosts/${h.id}`} stale={list.pending} />
        </section>
      )}
      <ListFoot list={list} noun="hosts" />
    </>
  );
}

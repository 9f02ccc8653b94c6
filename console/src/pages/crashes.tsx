// SPDX-License-Identifier: GPL-2.0-or-later
import type { JSX } from 'preact';
import type { Crash, Facets } from '../api';
import { number } from '../format';
import { useLive } from '../live';
import { Link, useRoute } from '../router';
import { CrashTable } from '../ui/crash_table';
import { apiPath, Chips, ListFoot, Search, Select, useList } from '../ui/list';
import { Empty, NotYet } from '../ui/parts';

export const CRASH_FILTERS = [
  'q', 'verdict', 'kind', 'kernel', 'site', 'model', 'host', 'reason', 'alert', 'since', 'until', 'firmware',
  'function', 'module', 'signature', 'dump', 'reason_state',
];

export function Crashes(): JSX.Element {
  const { params } = useRoute();
  const list = useList<Crash>(apiPath('/api/v1/crashes', params, CRASH_FILTERS, { limit: '100' }), 'crashes');
  const facets = useLive<Facets>('/api/v1/facets', 60000).data;
  const filtered = CRASH_FILTERS.some((f) => params.get(f));
  const words = (name: 'kinds' | 'kernels' | 'sites'): { value: string; label: string }[] =>
    (facets?.[name] ?? []).flatMap((t) => (t.label ? [{ value: t.label, label: t.label }] : []));
  const first = list.rows[0];
  return (
    <>
      <div class="page-head">
        <h1>Crashes {list.total !== null && <span class="count num">{number(list.total)}</span>}</h1>
        <div class="filters">
          <Search placeholder="Title, host, function, command or kernel" />
          <Select name="verdict" label="Verdict" choices={[{ value: 'new', label: 'new' }, { value: 'known', label: 'known' }]} />
          <Select name="kind" label="Kind" choices={words('kinds')} />
          <Select name="kernel" label="Kernel" choices={words('kernels')} />
          <Select name="model" label="Model"
            choices={(facets?.models ?? []).flatMap((m) => (m.id ? [{ value: String(m.id), label: m.label ?? '' }] : []))} />
          <Select name="site" label="Site" choices={words('sites')} />
          <Chips chips={[
            { name: 'host', label: <>host {first && String(first.host.id) === params.get('host') ? first.host.name : `#${params.get('host')}`}</> },
            { name: 'reason', label: <>reason {first && String(first.reason.id) === params.get('reason') ? first.reason.key : `#${params.get('reason')}`}</> },
            { name: 'alert', label: <>alert #{params.get('alert')}</> },
            { name: 'since', label: <>since {params.get('since')?.replace('T', ' ').replace('Z', '')}</> },
            { name: 'until', label: <>until {params.get('until')?.replace('T', ' ').replace('Z', '')}</> },
            { name: 'firmware', label: <>firmware {params.get('firmware')}</> },
            { name: 'function', label: <>function {params.get('function')}</> },
            { name: 'module', label: <>module {params.get('module')}</> },
            { name: 'signature', label: <>signature {params.get('signature')}</> },
            { name: 'dump', label: <>dump {params.get('dump')}</> },
            { name: 'reason_state', label: <>reason {params.get('reason_state')}</> },
          ]} />
        </div>
      </div>
      {!list.data && <NotYet error={list.error} />}
      {list.data && list.rows.length > 0 && (
        <section class="panel" aria-label="Crashes">
          <CrashTable crashes={list.rows} set="full" label="Crashes" stale={list.pending} />
        </section>
      )}
      {list.data && list.rows.length === 0 && (
        filtered
          ? <Empty icon="search" title="No crash fits these filters"><p><Link to="/crashes">Show all crashes</Link></p></Empty>
          : <Empty title="No crash on record"><p>Good. When one comes in, it stands here within a minute.</p></Empty>
      )}
      <ListFoot list={list} noun="crashes" />
    </>
  );
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Known issues: the list, and making one.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Issue, IssuePage } from '../api';
import { number } from '../format';
import { Link, navigate, useRoute } from '../router';
import { useMay } from '../session';
import { FormDialog } from '../ui/form';
import { apiPath, ListFoot, Search, Select, useList } from '../ui/list';
import { Ago, Empty, Maybe, NotYet, ReasonState, STATES, stateWord } from '../ui/parts';
import { type Column, Table } from '../ui/table';

const FILTERS = ['q', 'state', 'owner', 'open'];

const columns: Column<Issue>[] = [
  { head: 'State', width: '8.5rem', cell: (i) => <ReasonState state={i.state} /> },
  { head: 'Issue', cell: (i) => <Link to={`/issues/${i.id}`} class="cell-title" title={i.title}><span class="cell-what">{i.title}</span></Link> },
  { head: 'With', width: '9rem', cell: (i) => <Maybe text={i.owner} /> },
  { head: 'Vendor case', width: '11rem', drop: 2, cell: (i) => <Maybe text={[i.vendor, i.vendor_case].filter(Boolean).join(' ')} /> },
  { head: 'Reasons', width: '5.5rem', num: true, drop: 2, cell: (i) => number(i.reasons) },
  { head: 'Crashes', width: '5.5rem', num: true, cell: (i) => number(i.crashes) },
  { head: 'Last crash', width: '8rem', cell: (i) => <Ago time={i.last_seen} /> },
  { head: 'Changed', width: '8rem', drop: 1, cell: (i) => <Ago time={i.updated} /> },
];

export function Issues(): JSX.Element {
  const { params } = useRoute();
  const list = useList<Issue>(apiPath('/api/v1/issues', params, FILTERS, { limit: '100' }), 'issues');
  const [making, setMaking] = useState(false);
  const may = useMay('triage');
  return (
    <>
      <div class="page-head">
        <h1>Issues</h1>
        <div class="filters">
          <Search placeholder="Title, case, commit or notes" />
          <Select name="open" label="Which" choices={[{ value: '1', label: 'open' }]} />
          <Select name="state" label="State" choices={STATES.map((s) => ({ value: s, label: stateWord(s) }))} />
          {may && <button type="button" class="button button-strong" onClick={() => setMaking(true)}>New issue</button>}
        </div>
      </div>
      {!list.data && <NotYet error={list.error} />}
      {list.data && list.rows.length === 0 && (
        FILTERS.some((f) => params.get(f))
          ? <Empty icon="search" title="No issue fits these filters"><p><Link to="/issues">Show all issues</Link></p></Empty>
          : <Empty title="No known issue"><p>An issue keeps what you find out about a bug: who works on it, the vendor's
              case, which packages fix it. Make one here or on a reason's page; its crashes then say so.</p></Empty>
      )}
      {list.rows.length > 0 && (
        <section class="panel" aria-label="Issues">
          <Table label="Issues" columns={columns} rows={list.rows} id={(i) => i.id} to={(i) => `/issues/${i.id}`} stale={list.pending} />
        </section>
      )}
      <ListFoot list={list} noun="issues" />
      {making && (
        <FormDialog<IssuePage> title="New issue" button="Make it" path="/api/v1/issues"
          fields={[{ name: 'title', label: 'Title', required: true }, { name: 'owner', label: 'Who works on it' }]}
          body={({ title, owner }) => ({ title, owner })}
          onSent={(a) => navigate(`/issues/${a.issue.id}`)} onDone={() => setMaking(false)} />
      )}
    </>
  );
}

// SPDX-License-Identifier: GPL-2.0-or-later
// One issue: what is known of a bug, which crashes it explains, what fixes it, who said what when.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { IssueEvent, IssuePage, Reason } from '../api';
import { number } from '../format';
import { useLive } from '../live';
import { Link } from '../router';
import { useMay } from '../session';
import { Holds } from './holds';
import { type Field, FormDialog } from '../ui/form';
import { Ago, Facts, Kind, Maybe, NotYet, Panel, ReasonState, STATES, stateWord, Utc, What } from '../ui/parts';
import { type Column, Table } from '../ui/table';

type Doing = 'edit' | 'comment' | 'fix' | 'rule' | null;

const reasonColumns: Column<Reason>[] = [
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
  { head: 'Last seen', width: '8rem', cell: (r) => <Ago time={r.last_seen} /> },
];

export function IssueView({ id }: { id: string }): JSX.Element {
  const path = `/api/v1/issues/${id}`;
  const { data, error } = useLive<IssuePage>(path);
  const [doing, setDoing] = useState<Doing>(null);
  const may = useMay('triage');
  if (!data) return <NotYet error={error} />;
  const i = data.issue;
  const done = (): void => setDoing(null);
  return (
    <>
      <div class="title">
        <div class="title-over"><ReasonState state={i.state} /><span class="quiet">Issue #{i.id}{i.owner && ` · with ${i.owner}`}</span></div>
        <h1>{i.title}</h1>
        {may && (
          <div class="title-buttons">
            <button type="button" class="button button-strong" onClick={() => setDoing('edit')}>Edit</button>
            <button type="button" class="button" onClick={() => setDoing('comment')}>Comment</button>
            <button type="button" class="button" onClick={() => setDoing('fix')}>Add a fix</button>
            <button type="button" class="button" onClick={() => setDoing('rule')}>Add a rule</button>
          </div>
        )}
        <Holds scope="issue" subject={i.id} />
      </div>
      <div class="columns columns-2-1">
        <div class="stack">
          <Panel title="Reasons" note={`${number(i.crashes)} crashes`}>
            {data.reasons.length > 0
              ? <Table label="Reasons of this issue" columns={reasonColumns} rows={data.reasons} id={(r) => r.id} to={(r) => `/reasons/${r.id}`} />
              : <p class="quiet">None yet: on a reason's page, say that it belongs here.</p>}
          </Panel>
          <Panel title="History">
            <ol class="history">{data.history.map((e, n) => <Event key={`${e.time}/${data.history.length - n}`} event={e} />)}</ol>
          </Panel>
        </div>
        <div class="stack">
          <Panel title="What is known">
            <Facts facts={[
              ['State', stateWord(i.state)],
              ['With', <Maybe text={i.owner} />],
              ['Vendor', <Maybe text={i.vendor} />],
              ['Case', <Maybe text={i.vendor_case} />],
              ['Link', <Address link={i.link} />],
              ['Fixed upstream by', <span class="mono"><Maybe text={i.upstream} /></span>],
              ['Since', <Utc time={i.created} />],
            ]} />
            {i.notes && <p class="notes">{i.notes}</p>}
          </Panel>
          <Panel title="Packages with the fix">
            {!data.fixes.length && <p class="quiet">None named. With one, each crash says whether its kernel had the fix.</p>}
            {data.fixes.length > 0 && (
              <Facts facts={data.fixes.map((f) => [f.distribution, <span class="mono">{f.package} {f.version}</span>])} />
            )}
          </Panel>
          <Panel title="Rules">
            {!data.rules.length && <p class="quiet">None: reasons to come are added by hand.</p>}
            {data.rules.length > 0 && (
              <Facts facts={data.rules.map((r) => [
                r.kind || 'any kind',
                <span class="mono">{[r.function && `function ${r.function}`, r.module && `module ${r.module}`].filter(Boolean).join(', ')}</span>,
              ])} />
            )}
          </Panel>
        </div>
      </div>
      {doing === 'edit' && <Edit data={data} path={path} onDone={done} />}
      {doing === 'comment' && (
        <FormDialog title="Comment" button="Say it" path={`${path}/comments`} onDone={done}
          fields={[{ name: 'text', label: 'What do you know?', required: true, long: true }]} body={({ text }) => ({ text })} />
      )}
      {doing === 'fix' && (
        <FormDialog title="Add a fix" button="Add it" path={`${path}/fixes`} onDone={done}
          note="The first version of the kernel's package that holds the fix."
          fields={[
            { name: 'distribution', label: 'Distribution, such as “debian 12”', required: true },
            { name: 'package', label: 'Package', value: 'linux', required: true },
            { name: 'format', label: 'Kind of package', value: 'dpkg', choices: [{ value: 'dpkg', label: 'deb' }, { value: 'rpm', label: 'rpm' }] },
            { name: 'fixed_in', label: 'Version, such as “6.1.147-1”', required: true },
          ]}
          body={({ distribution, package: name, format, fixed_in }) => ({ distribution, package: name, format, fixed_in })} />
      )}
      {doing === 'rule' && (
        <FormDialog title="Add a rule" button="Add it" path={`${path}/rules`} onDone={done}
          note="A reason that is seen for the first time and fits belongs to this issue by itself. “*” and “?” stand for any text; leave empty what does not matter."
          fields={[
            { name: 'function', label: 'Blamed function' },
            { name: 'module', label: 'Module' },
            { name: 'kind', label: 'Kind, such as “NULL-DEREF”' },
          ]}
          body={({ function: name, module, kind }) => ({ function: name, module, kind })} />
      )}
    </>
  );
}

const TEXTS: { name: 'title' | 'owner' | 'vendor' | 'vendor_case' | 'link' | 'upstream'; label: string }[] = [
  { name: 'title', label: 'Title' },
  { name: 'owner', label: 'Who works on it' },
  { name: 'vendor', label: 'Vendor' },
  { name: 'vendor_case', label: 'Case number' },
  { name: 'link', label: 'Link' },
  { name: 'upstream', label: 'Commit that fixes it upstream' },
];

function Edit({ data, path, onDone }: { data: IssuePage; path: string; onDone: () => void }): JSX.Element {
  // The version that is being looked at: what comes in meanwhile must not be overwritten unseen.
  const [issue] = useState(data.issue);
  const fields: Field[] = [
    { name: 'state', label: 'State', value: issue.state, choices: STATES.map((s) => ({ value: s, label: stateWord(s) })) },
    ...TEXTS.map((t) => ({ ...t, value: issue[t.name], required: t.name === 'title' })),
    { name: 'notes', label: 'Notes', value: issue.notes, long: true },
    { name: 'why', label: 'Why (for the history)' },
  ];
  return <FormDialog title="Edit the issue" button="Save" path={path} fields={fields} onDone={onDone}
    body={({ who: _, ...values }) => ({ ...values, version: issue.version })} />;
}

// Only what a browser opens as a page: a link must not run anything.
function Address({ link }: { link: string }): JSX.Element {
  return /^https?:\/\//.test(link)
    ? <a href={link} rel="noreferrer noopener" target="_blank">{link}</a>
    : <Maybe text={link} />;
}

const words: { [what: string]: string } = {
  title: 'title', state: 'state', owner: 'who works on it', vendor: 'vendor', vendor_case: 'case', link: 'link',
  upstream: 'upstream commit', notes: 'notes', reason: 'reason', fix: 'fix', rule: 'rule',
};

function Event({ event: e }: { event: IssueEvent }): JSX.Element {
  const word = words[e.what] ?? e.what;
  return (
    <li>
      <div class="history-head"><b>{e.who}</b> <Ago time={e.time} /></div>
      {e.what === 'comment' && <p class="notes">{e.new}</p>}
      {e.what === 'created' && <p>made the issue</p>}
      {e.what === 'notes' && <p>changed the notes</p>}
      {!['comment', 'created', 'notes'].includes(e.what) && (
        <p>{word}: {e.old && <del>{e.old}</del>} {e.new && <ins>{e.new}</ins>}</p>
      )}
      {e.why && <p class="quiet">{e.why}</p>}
    </li>
  );
}

/** On a reason's page: which issue explains it, or making or choosing one. */
export function ReasonIssue({ reason: r }: { reason: Reason }): JSX.Element {
  const [doing, setDoing] = useState<'new' | 'add' | null>(null);
  const may = useMay('triage');
  const title = r.title ?? r.key;
  return (
    <div class="title-buttons">
      {r.issue_id && <ExplainedBy id={r.issue_id} />}
      {!r.issue_id && may && <button type="button" class="button" onClick={() => setDoing('new')}>Make an issue</button>}
      {!r.issue_id && may && <button type="button" class="button" onClick={() => setDoing('add')}>Belongs to an issue</button>}
      {doing === 'new' && (
        <FormDialog<IssuePage> title="Make an issue" what={title} button="Make it" path="/api/v1/issues" onDone={() => setDoing(null)}
          fields={[
            { name: 'title', label: 'Title', value: title.slice(0, 150), required: true },
            { name: 'state', label: 'State', value: 'investigating', choices: STATES.map((s) => ({ value: s, label: stateWord(s) })) },
            { name: 'owner', label: 'Who works on it' },
          ]}
          body={({ title: text, state, owner }) => ({ title: text, state, owner, reason: r.id })} />
      )}
      {doing === 'add' && (
        <AddTo reason={r} onDone={() => setDoing(null)} />
      )}
    </div>
  );
}

function ExplainedBy({ id }: { id: number }): JSX.Element {
  const issue = useLive<IssuePage>(`/api/v1/issues/${id}`, 15000).data?.issue;
  return <span>Explained by <Link to={`/issues/${id}`}>{issue?.title ?? `issue #${id}`}</Link></span>;
}

function AddTo({ reason: r, onDone }: { reason: Reason; onDone: () => void }): JSX.Element | null {
  const issues = useLive<{ issues: { id: number; title: string }[] }>('/api/v1/issues?limit=200', 0).data?.issues;
  if (!issues) return null;
  const first = String(issues[0]?.id ?? '');
  if (!first)
    return <p class="quiet">There is no issue yet: make one. <Link to="/issues">Issues</Link></p>;
  return (
    <FormDialog title="Belongs to an issue" what={r.title ?? r.key} button="Add it" onDone={onDone}
      path={({ issue }) => `/api/v1/issues/${issue}/reasons`}
      fields={[{ name: 'issue', label: 'Issue', value: first, choices: issues.map((i) => ({ value: String(i.id), label: `#${i.id} ${i.title}` })) }]}
      body={() => ({ add: r.id })} />
  );
}

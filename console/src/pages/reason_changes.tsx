// SPDX-License-Identifier: GPL-2.0-or-later
// On a reason's page: merge it into another, split crashes off, what was done, and taking it back.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { post, type Reason, type ReasonChange, type ReasonPreview } from '../api';
import { number, plural } from '../format';
import { useLive } from '../live';
import { Link } from '../router';
import { useMay } from '../session';
import { FormDialog } from '../ui/form';
import { Ago, Panel } from '../ui/parts';

type Body = { [key: string]: unknown };

const BY = [
  { value: 'signature', label: 'exact key' },
  { value: 'guilty', label: 'blamed function' },
  { value: 'kernel', label: 'kernel' },
];

/** What the server says that a change would do, asked anew when the change is another. */
function Preview({ path, body }: { path: string; body: Body }): JSX.Element | null {
  const text = JSON.stringify(body);
  const [said, setSaid] = useState<{ preview?: ReasonPreview; error?: string }>({});
  useEffect(() => {
    let over = false;
    post<{ preview: ReasonPreview }>(path, { ...(JSON.parse(text) as Body), who: 'preview', preview: true })
      .then((answer) => { if (!over) setSaid(answer); })
      .catch((x: unknown) => { if (!over) setSaid({ error: x instanceof Error ? x.message : String(x) }); });
    return () => { over = true; };
  }, [path, text]);
  if (said.error) return <p class="form-error" role="alert">{said.error}</p>;
  const p = said.preview;
  if (!p) return null;
  return (
    <p class="quiet" data-preview>
      {plural(p.crashes, 'crash', 'crashes')} of {plural(p.hosts, 'host')}, {plural(p.dumps, 'dump')} would be counted there
      {p.issue_id ? `; the result belongs to issue #${p.issue_id}` : ''}. It can be taken back at any time.
    </p>
  );
}

function Merge({ reason: r, onDone }: { reason: Reason; onDone: () => void }): JSX.Element | null {
  const others = useLive<{ reasons: Reason[] }>('/api/v1/reasons?limit=500&order=crashes', 0).data?.reasons.filter((o) => o.id !== r.id);
  if (!others) return null;
  const first = String((others.find((o) => o.kind === r.kind) ?? others[0])?.id ?? '');
  if (!first) return <p class="quiet">There is no other reason to merge it into.</p>;
  const body = (v: { [name: string]: string }): Body => ({
    into: Number(v['into']),
    ...(v['issue'] ? { issue: Number(v['issue']) } : {}),
  });
  return (
    <FormDialog title="Merge into another reason" what={r.title ?? r.key} button="Merge" onDone={onDone}
      path={`/api/v1/reasons/${r.id}/merge`}
      note="Its crashes, also those to come, are counted under the other one."
      fields={[
        { name: 'into', label: 'Into', value: first, choices: others.map((o) => ({ value: String(o.id), label: `#${o.id} ${o.title ?? o.key} (${o.crashes})` })) },
        { name: 'issue', label: 'Issue of the result, where the two have different ones (number)' },
        { name: 'why', label: 'Why (for the history)' },
      ]}
      body={(v) => ({ ...body(v), why: v['why'] })}
      preview={(v) => <Preview path={`/api/v1/reasons/${r.id}/merge`} body={body(v)} />} />
  );
}

function Split({ reason: r, onDone }: { reason: Reason; onDone: () => void }): JSX.Element | null {
  const values = BY.map((b) => ({
    ...b,
    list: useLive<{ values: { value: string; crashes: number }[] }>(`/api/v1/reasons/${r.id}/values?by=${b.value}`, 0).data?.values,
  }));
  if (values.some((v) => !v.list)) return null;
  const choices = values.flatMap((b) => (b.list ?? []).map((v) => ({
    value: JSON.stringify({ by: b.value, value: v.value }),
    label: `${b.label} ${v.value} (${number(v.crashes)})`,
  })));
  if (!choices.length) return <p class="quiet">There is nothing by which it could be split.</p>;
  const body = (v: { [name: string]: string }): Body => JSON.parse(v['part'] ?? '{}') as Body;
  return (
    <FormDialog title="Split crashes off" what={r.title ?? r.key} button="Split" onDone={onDone}
      path={`/api/v1/reasons/${r.id}/split`}
      note="The crashes that have this get a reason of their own, and so do those to come."
      fields={[
        { name: 'part', label: 'Those with', value: choices[0]?.value, choices },
        { name: 'title', label: 'Title of the new reason (empty: as this one)' },
        { name: 'why', label: 'Why (for the history)' },
      ]}
      body={(v) => ({ ...body(v), why: v['why'], ...(v['title'] ? { title: v['title'] } : {}) })}
      preview={(v) => <Preview path={`/api/v1/reasons/${r.id}/split`} body={body(v)} />} />
  );
}

/** The buttons; a reason that is merged away is changed by taking that back. */
export function ReasonChanges({ reason: r }: { reason: Reason }): JSX.Element | null {
  const [doing, setDoing] = useState<'merge' | 'split' | null>(null);
  const may = useMay('merge');
  if (r.merged_into || !may) return null;
  return (
    <div class="title-buttons">
      <button type="button" class="button" onClick={() => setDoing('merge')}>Merge…</button>
      <button type="button" class="button" onClick={() => setDoing('split')}>Split…</button>
      {doing === 'merge' && <Merge reason={r} onDone={() => setDoing(null)} />}
      {doing === 'split' && <Split reason={r} onDone={() => setDoing(null)} />}
    </div>
  );
}

export function MergedInto({ reason: r }: { reason: Reason }): JSX.Element | null {
  if (!r.merged_into) return null;
  return <p class="note">Its crashes are counted under <Link to={`/reasons/${r.merged_into}`}>reason #{r.merged_into}</Link>.</p>;
}

function What({ change: c, reason: r }: { change: ReasonChange; reason: Reason }): JSX.Element {
  const other = c.from.id === r.id ? c.to : c.from;
  const link = <Link to={`/reasons/${other.id}`}>{other.title ?? other.key}</Link>;
  const away = c.from.id === r.id;
  if (c.what === 'split') {
    const part = <span class="mono">{BY.find((b) => b.value === c.by)?.label} {c.value}</span>;
    return away ? <p>split off {part}: {link}</p> : <p>split off {link}: {part}</p>;
  }
  return away ? <p>{c.what === 'merge' ? 'merged' : 'went'} into {link}</p> : <p>{link} {c.what === 'merge' ? 'merged' : 'went'} into this one</p>;
}

export function ReasonHistory({ reason: r }: { reason: Reason }): JSX.Element | null {
  const data = useLive<{ changes: ReasonChange[] }>(`/api/v1/reasons/${r.id}/history`, 15000).data;
  const [undo, setUndo] = useState<ReasonChange | null>(null);
  const may = useMay('merge');
  if (!data?.changes.length) return null;
  return (
    <Panel title="Merges and splits">
      <ol class="history">
        {data.changes.map((c) => (
          <li key={c.id}>
            <div class="history-head"><b>{c.who}</b> <Ago time={c.time} />{c.moving && <span class="quiet"> · crashes are being moved</span>}</div>
            <What change={c} reason={r} />
            {c.why && <p class="quiet">{c.why}</p>}
            {c.undone && <p class="quiet">taken back by {c.undone_by} <Ago time={c.undone} />{c.undone_why ? `: ${c.undone_why}` : ''}</p>}
            {may && !c.undone && c.what !== 'regroup' && <button type="button" class="button" onClick={() => setUndo(c)}>Take it back</button>}
          </li>
        ))}
      </ol>
      {undo && (
        <FormDialog title="Take it back" button="Take it back" path={`/api/v1/reason-changes/${undo.id}/undo`} onDone={() => setUndo(null)}
          note="The crashes go back to where they would be without it; the history keeps both."
          fields={[{ name: 'why', label: 'Why (for the history)' }]} body={({ why }) => ({ why })} />
      )}
    </Panel>
  );
}

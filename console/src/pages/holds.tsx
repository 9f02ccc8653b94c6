// SPDX-License-Identifier: GPL-2.0-or-later
// Dumps that somebody keeps from being removed: who, why, until when; placing a hold and lifting it.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Crash, DumpState, Hold } from '../api';
import { bytes, utc } from '../format';
import { useLive } from '../live';
import { Link } from '../router';
import { useMay } from '../session';
import { FormDialog } from '../ui/form';
import { Ago, Copy, Facts, Maybe, Panel, Utc } from '../ui/parts';

type Scope = Hold['scope'];

const OF: { [scope in Scope]: string } = {
  crash: 'the dump of this crash',
  reason: 'the dumps of this reason',
  host: 'the dumps of this host',
  issue: 'the dumps of this issue',
};

function PlaceHold({ scope, subject, onDone }: { scope: Scope; subject: number; onDone: () => void }): JSX.Element {
  return (
    <FormDialog title="Hold the dumps" what={OF[scope]} button="Hold" path="/api/v1/holds" onDone={onDone}
      note="Neither retention nor a quota removes what is held."
      fields={[
        { name: 'why', label: 'Why', required: true },
        { name: 'ends', label: 'Until the day (UTC; empty: until somebody lifts it)', day: true },
      ]}
      body={(v) => ({ scope, subject, why: v['why']?.trim(), ...(v['ends'] ? { ends: `${v['ends']}T00:00:00Z` } : {}) })} />
  );
}

function LiftHold({ hold, onDone }: { hold: Hold; onDone: () => void }): JSX.Element {
  return (
    <FormDialog title="Lift the hold" what={hold.why} button="Lift" path={`/api/v1/holds/${hold.id}/release`} onDone={onDone}
      note="Retention and quotas count again; what is over its time may be removed within the hour."
      fields={[{ name: 'why', label: 'Why' }]} body={(v) => (v['why']?.trim() ? { why: v['why'].trim() } : {})} />
  );
}

function HoldList({ holds, scope }: { holds: Hold[]; scope: Scope }): JSX.Element {
  const may = useMay('operate');
  const [lifting, setLifting] = useState<Hold | null>(null);
  return (
    <>
      <ul class="holds" aria-label="Holds">
        {holds.map((h) => (
          <li key={h.id}>
            <div>
              <b>{h.who}</b> holds {h.scope === scope ? OF[scope] : <>all of its <Link to={`/${h.scope}s/${h.subject}`}>{h.scope}</Link></>}
              {' '}<span class="quiet">since <Ago time={h.created} />{h.ends && <>, until {utc(h.ends)} UTC</>}</span>
              <p class="hold-why">{h.why}</p>
            </div>
            {may && <button type="button" class="button button-small" onClick={() => setLifting(h)}>Lift…</button>}
          </li>
        ))}
      </ul>
      {lifting && <LiftHold hold={lifting} onDone={() => setLifting(null)} />}
    </>
  );
}

/** On the page of a reason, a host or an issue: what holds stand on all of its dumps. */
export function Holds({ scope, subject }: { scope: Exclude<Scope, 'crash'>; subject: number }): JSX.Element | null {
  const may = useMay('operate');
  const [placing, setPlacing] = useState(false);
  const holds = useLive<{ holds: Hold[] }>('/api/v1/holds', 15000).data?.holds.filter((h) => h.scope === scope && h.subject === subject) ?? [];
  if (!holds.length && !may) return null;
  return (
    <>
      {holds.length > 0 && <div class="note"><HoldList holds={holds} scope={scope} /></div>}
      {may && <div class="title-buttons"><button type="button" class="button" onClick={() => setPlacing(true)}>Hold the dumps…</button></div>}
      {placing && <PlaceHold scope={scope} subject={subject} onDone={() => setPlacing(false)} />}
    </>
  );
}

const REMOVED: { [kind: string]: string } = { retention: 'its time was over', quota: 'space was needed', gone: 'it was gone from the repository' };

function State({ crash: c }: { crash: Crash }): JSX.Element {
  const d = c.dump;
  switch (d.state) {
    case 'kept': return <>{bytes(d.bytes)}, {d.format ?? ''}{d.complete ? '' : <b class="warn"> incomplete</b>}</>;
    case 'purged': return <span class="quiet">removed {d.purged ? utc(d.purged).slice(0, 10) : ''}; the analysis stays</span>;
    case 'skipped': return <span class="quiet">not filed: there were enough of its reason</span>;
    default: return <span class="quiet">none</span>;
  }
}

/** On a crash's page: the dump, whether it is whole, who holds it, what became of it. */
export function Dump({ crash: c, state }: { crash: Crash; state: DumpState }): JSX.Element {
  const may = useMay('operate');
  const mayDownload = useMay('download');
  const [placing, setPlacing] = useState(false);
  const kept = c.dump.state === 'kept';
  return (
    <Panel title="Dump" class="dump" note={(
      <>
        {kept && mayDownload && <a class="button button-small" href={`/api/v1/crashes/${c.id}/dump`} download title="It holds what was in the machine's memory. The download stands in the audit log.">Download</a>}
        {may && <button type="button" class="button button-small" onClick={() => setPlacing(true)}>Hold…</button>}
      </>
    )}>
      {state.damage && <div class="note note-bad" role="alert"><b>The dump is damaged:</b> {state.damage}</div>}
      <Facts facts={[
        ['State', <State crash={c} />],
        ...(kept ? [['Checked', state.checked ? <><Utc time={state.checked} /> <span class="quiet">UTC, against its checksum</span></> : <span class="quiet">not yet since it came</span>] as [string, JSX.Element]] : []),
        ['Folder', c.path ? <span class="path"><span class="mono quiet">{c.path}</span><Copy text={c.path} label="Copy the folder's path" /></span> : <Maybe text={null} />],
        ...state.removals.map((r): [string, JSX.Element] => ['Removed', <><Utc time={r.time} />, {bytes(r.bytes)}, {REMOVED[r.kind] ?? r.kind}{r.why ? `: ${r.why}` : ''}</>]),
      ]} />
      {state.holds.length > 0 && <HoldList holds={state.holds} scope="crash" />}
      {placing && <PlaceHold scope="crash" subject={c.id} onDone={() => setPlacing(false)} />}
    </Panel>
  );
}

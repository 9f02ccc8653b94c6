// SPDX-License-Identifier: GPL-2.0-or-later
// One reason: how often, where, since when, on what.

import type { JSX } from 'preact';
import type { ReasonPage } from '../api';
import { number, plural } from '../format';
import { useLive } from '../live';
import { href, Link } from '../router';
import { AlertCard } from '../ui/alert';
import { Chart } from '../ui/chart';
import { CrashTable } from '../ui/crash_table';
import { Holds } from './holds';
import { ReasonIssue } from './issue';
import { MergedInto, ReasonChanges, ReasonHistory } from './reason_changes';
import { Ago, Copy, Facts, Kind, Maybe, NotYet, Panel, ReasonState, TopList, Utc } from '../ui/parts';

export function ReasonView({ id }: { id: string }): JSX.Element {
  const { data, error } = useLive<ReasonPage>(`/api/v1/reasons/${id}`);
  if (!data) return <NotYet error={error} />;
  const r = data.reason;
  return (
    <>
      <div class="title">
        <div class="title-over"><Kind kind={r.kind} /><ReasonState state={r.state} /></div>
        <h1><Maybe text={r.title ?? r.key} /></h1>
        <p class="title-key"><span class="mono">{r.key}</span><Copy text={r.key} label="Copy the reason's key" /></p>
        <MergedInto reason={r} />
        <ReasonIssue reason={r} />
        <ReasonChanges reason={r} />
        <Holds scope="reason" subject={r.id} />
      </div>
      {data.alerts.length > 0 && <div class="alerts">{data.alerts.map((a) => <AlertCard key={a.id} alert={a} />)}</div>}
      <div class="figures">
        <Link to={href('/crashes', { reason: r.id })} class="figure"><span class="figure-label">Crashes</span><b class="num">{number(r.crashes)}</b><span class="figure-side">show them</span></Link>
        <Link to={href('/hosts', { reason: r.id })} class="figure"><span class="figure-label">Hosts</span><b class="num">{number(r.hosts)}</b><span class="figure-side">show them</span></Link>
        <div class="figure"><span class="figure-label">First seen</span><b><Ago time={r.first_seen} /></b><span class="figure-side"><Utc time={r.first_seen} /></span></div>
        <div class="figure"><span class="figure-label">Last seen</span><b><Ago time={r.last_seen} /></b><span class="figure-side"><Utc time={r.last_seen} /></span></div>
        <div class="figure"><span class="figure-label">Dumps kept</span><b class="num">{number(r.dumps)}</b><span class="figure-side"><Link to={`/crashes/${r.first_crash_id}`}>first crash</Link></span></div>
      </div>
      <div class="columns columns-2-1">
        <Panel title="Crashes by day, 90 days">
          <Chart label="Crashes of this reason by day" step="day" height={170} bars={data.days.map((d) => ({ ...d, time: d.day }))} />
        </Panel>
        <Panel title="Exact keys" note={plural(data.signatures.length, 'key')}>
          <Facts facts={[['Blamed', <span class="mono"><Maybe text={r.guilty} /></span>]]} />
          <ol class="top">
            {data.signatures.map((s) => (
              <li key={s.signature}>
                <Link to={href('/crashes', { reason: r.id, signature: s.signature })} class="top-row">
                  <span class="top-bar" style={{ width: `${(s.crashes / Math.max(1, data.signatures[0]?.crashes ?? 1)) * 100}%` }} />
                  <span class="top-label mono" title={s.signature}>{s.signature}</span>
                  <span class="top-count num">{number(s.crashes)}</span>
                </Link>
              </li>
            ))}
          </ol>
          {!data.signatures.length && <p class="quiet">The records do not say where exactly.</p>}
        </Panel>
      </div>
      {!data.spread.complete && (
        <p class="quiet">Kernels, models, firmware and hosts of its newest {number(data.spread.crashes)} crashes, since <Utc time={data.spread.since} />:</p>
      )}
      <div class="columns columns-4">
        <Panel title="Kernels"><TopList rows={data.kernels} by="hosts" to={(t) => href('/crashes', { reason: r.id, kernel: t.label })} /></Panel>
        <Panel title="Models"><TopList rows={data.models} by="hosts" to={(t) => href('/crashes', { reason: r.id, model: t.id })} /></Panel>
        <Panel title="Firmware"><TopList rows={data.firmwares} by="hosts" to={(t) => href('/crashes', { reason: r.id, firmware: t.label })} /></Panel>
        <Panel title="Hosts"><TopList rows={data.hosts} to={(t) => `/hosts/${t.id}`} /></Panel>
      </div>
      <ReasonHistory reason={r} />
      <Panel title="Latest crashes" note={<Link to={href('/crashes', { reason: r.id })}>all</Link>}>
        <CrashTable crashes={data.latest} set="of_reason" label="Latest crashes of this reason" />
      </Panel>
    </>
  );
}

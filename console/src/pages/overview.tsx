// SPDX-License-Identifier: GPL-2.0-or-later
// What is wrong now, where, since when, who has it. Readable from across the room.

import type { JSX } from 'preact';
import type { Alert, Job, Overview as Data } from '../api';
import { bytes, number, plural, span, utc } from '../format';
import { useLive, useNow } from '../live';
import { href, Link } from '../router';
import { AlertCard } from '../ui/alert';
import { Chart } from '../ui/chart';
import { CrashTable } from '../ui/crash_table';
import { Icon } from '../ui/icons';
import { Ago, Empty, JobState, Kind, NotYet, Panel, reasonShort, TopList, What } from '../ui/parts';

function Headline({ data }: { data: Data }): JSX.Element {
  const now = useNow(5000);
  const firing = data.alerts.filter((a) => a.state === 'firing');
  const taken = data.alerts.filter((a) => a.state === 'acknowledged');
  const failing = data.jobs.filter((j) => j.state === 'failed');
  const oldest = [...firing].sort((a, b) => a.since.localeCompare(b.since))[0];
  const f = data.fleet;
  let tone = 'good';
  let title = 'All quiet';
  let text: JSX.Element | string = f.last_crash
    ? <>No alert. The last crash was <Ago time={f.last_crash} />.</>
    : 'No alert, and no crash was ever filed here.';
  if (oldest) {
    tone = 'bad';
    title = `${plural(firing.length, 'alert')} firing, ${firing.length === 1 ? 'nobody has it' : 'nobody has them'}`;
    text = <>The oldest for {span((now - Date.parse(oldest.since)) / 1000)}: {oldest.subject.name}{taken.length ? `; ${taken.length} more taken` : ''}</>;
  } else if (taken.length) {
    tone = 'held';
    title = `${plural(taken.length, 'alert')}, taken`;
    text = <>With {[...new Set(taken.map((a) => a.who))].join(', ')}</>;
  }
  if (tone === 'good' && failing.length) {
    tone = 'held';
    title = `Job ${failing.map((j) => j.name).join(', ')} fails`;
    text = 'No alert, but Eyrie itself needs a look: see Jobs below.';
  }
  return (
    <div class={`headline headline-${tone}`} role="status">
      <div class="headline-light" aria-hidden="true"><Icon name={tone === 'good' ? 'check' : 'alerts'} /></div>
      <div>
        <h1>{title}</h1>
        <p>{text}</p>
      </div>
    </div>
  );
}

function Figure(props: { label: string; value: number; to: string; side?: JSX.Element | string; tone?: string }): JSX.Element {
  return (
    <Link to={props.to} class={`figure ${props.tone ?? ''}`}>
      <span class="figure-label">{props.label}</span>
      <b class="num">{number(props.value)}</b>
      <span class="figure-side">{props.side}</span>
    </Link>
  );
}

function Trend({ now, before }: { now: number; before: number }): JSX.Element {
  if (now === before) return <>as the day before</>;
  const up = now > before;
  return <span class={up ? 'trend-up' : 'trend-down'}>{up ? '▲' : '▼'} {number(before)} the day before</span>;
}

function isoBefore(now: number, seconds: number): string {
  // Whole minutes: a link that does not change each second.
  return new Date(Math.floor((now - seconds * 1000) / 60000) * 60000).toISOString().slice(0, 19) + 'Z';
}

function JobRow({ job }: { job: Job }): JSX.Element {
  return (
    <tr class={job.state === 'failed' ? 'row-bad' : ''}>
      <td><JobState job={job} />{job.name}</td>
      <td>{job.state === 'off' ? 'off' : job.state === 'running' ? 'running now' : <Ago time={job.last_start} />}</td>
      <td class="job-message" title={job.message ?? ''}>
        {job.state === 'failed' && <b>failing since {job.failing_since ? utc(job.failing_since).slice(11, 16) : ''}: </b>}
        {job.message ?? (job.state === 'waiting' ? 'has not run yet' : '')}
      </td>
    </tr>
  );
}

function byUrgency(a: Alert, b: Alert): number {
  if (a.state !== b.state) return a.state === 'firing' ? -1 : 1;
  return b.count - a.count || a.since.localeCompare(b.since);
}

export function Overview(): JSX.Element {
  const { data, error } = useLive<Data>('/api/v1/overview');
  const now = useNow(60000);
  if (!data) return <NotYet error={error} />;
  const f = data.fleet;
  const day = isoBefore(now, 86400);
  const week = isoBefore(now, 7 * 86400);
  if (!f.crashes)
    return (
      <>
        <Headline data={data} />
        <Empty icon="hosts" title="No crash has come in yet">
          <p>Eyrie looks for crashes in the repository <code>{data.server.repository}</code>.</p>
          <p>On each host, run <code>eyrie agent</code> with that folder (or its mount) as its repository, or take one dump
            in by hand: <code>eyrie ingest /var/crash/…/dump…</code></p>
        </Empty>
        <Panel title="Jobs"><Jobs jobs={data.jobs} /></Panel>
      </>
    );
  // On a bad day a line each, so that all of it stays on the wall.
  const compact = data.alerts.length > 3;
  const shown = [...data.alerts].sort(byUrgency).slice(0, 10);
  return (
    <div class="overview">
      <Headline data={data} />
      {shown.length > 0 && (
        <div class={`alerts ${compact ? 'alerts-compact' : ''}`}>
          {shown.map((a) => <AlertCard key={a.id} alert={a} />)}
          {data.alerts.length > shown.length &&
            <Link to="/alerts" class="alerts-more">All {plural(data.alerts.length, 'active alert')}</Link>}
        </div>
      )}
      <div class="figures">
        <Figure label="Crashes, 24 h" value={f.day.crashes} to={href('/crashes', { since: day })}
          side={<Trend now={f.day.crashes} before={f.day_before.crashes} />} />
        <Figure label="Hosts crashed, 24 h" value={f.day.hosts} to={href('/hosts', { seen_since: day })}
          side={<Trend now={f.day.hosts} before={f.day_before.hosts} />} />
        <Figure label="New reasons, 7 days" value={f.week.new_reasons} to={href('/reasons', { first_seen_since: week, order: 'first_seen' })}
          tone={f.week.new_reasons ? 'figure-new' : ''} side={`${number(f.reasons_unseen)} nobody looked at`} />
        <Figure label="Crashes on record" value={f.crashes} to="/crashes"
          side={`${plural(f.reasons, 'reason')}, ${plural(f.hosts, 'host')}`} />
        <Figure label="Dumps kept" value={f.dumps} to={href('/crashes', { dump: 'kept' })} side={bytes(f.dump_bytes)} />
      </div>
      <div class="columns columns-2-1">
        <Panel title="Crashes by hour, 48 hours" note={<Legend />}>
          <Chart label="Crashes by hour in the last 48 hours" step="hour" height={190}
            bars={data.hours.map((h) => ({ ...h, time: h.hour }))} />
        </Panel>
        <Panel title="By day, 30 days">
          <Chart label="Crashes by day in the last 30 days" step="day" height={190}
            bars={data.days.map((d) => ({ ...d, time: d.day }))} />
        </Panel>
      </div>
      <div class="columns columns-2-1">
        <Panel title="Latest crashes" note={<Link to="/crashes">all</Link>}>
          <CrashTable crashes={data.latest} set="latest" label="Latest crashes" />
        </Panel>
        <Panel title="New reasons, 7 days" note={<Link to={href('/reasons', { order: 'first_seen' })}>all</Link>}>
          {data.new_reasons.length === 0 && <p class="quiet">None: everything that crashed was known.</p>}
          <ul class="news">
            {data.new_reasons.map((r) => (
              <li key={r.id}>
                <Link to={`/reasons/${r.id}`} class="news-row">
                  <Kind kind={r.kind} />
                  <span class="news-title" title={r.title ?? r.key}><What guilty={r.guilty} title={r.title ?? r.key} /></span>
                  <span class="news-side">{plural(r.hosts, 'host')} · <Ago time={r.first_seen} /></span>
                </Link>
              </li>
            ))}
          </ul>
        </Panel>
      </div>
      <div class="columns columns-4">
        <Panel title="Reasons, 7 days"><TopList rows={data.top_reasons} to={(r) => `/reasons/${r.id}`} show={reasonShort} /></Panel>
        <Panel title="Hosts, 7 days"><TopList rows={data.top_hosts} to={(r) => `/hosts/${r.id}`} /></Panel>
        <Panel title="Models, 7 days"><TopList rows={data.top_models} to={(r) => href('/crashes', { model: r.id, since: week })} /></Panel>
        <Panel title="Kernels, 7 days"><TopList rows={data.top_kernels} to={(r) => href('/crashes', { kernel: r.label, since: week })} /></Panel>
      </div>
      <div class="columns columns-2-1">
        <Panel title="Jobs"><Jobs jobs={data.jobs} /></Panel>
        <Panel title="Sites, 7 days"><TopList rows={data.sites} to={(r) => href('/crashes', { site: r.label, since: week })} /></Panel>
      </div>
      {(f.rejected > 0 || f.mails_waiting > 0) && (
        <p class="quiet">
          {f.rejected > 0 && <>{plural(f.rejected, 'folder')} of the repository cannot be read; <code>eyrie populate</code> tells why. </>}
          {f.mails_waiting > 0 && <>{plural(f.mails_waiting, 'mail waits', 'mails wait')} to be sent.</>}
        </p>
      )}
    </div>
  );
}

function Legend(): JSX.Element {
  return (
    <span class="legend">
      <span class="legend-bar" /> crashes <span class="legend-new" /> of a new reason
    </span>
  );
}

function Jobs({ jobs }: { jobs: Job[] }): JSX.Element {
  return (
    <div class="table-box">
      <table class="jobs" aria-label="Jobs">
        <thead><tr><th style={{ width: '9rem' }}>Job</th><th style={{ width: '9rem' }}>Last run</th><th>What it did</th></tr></thead>
        <tbody>{jobs.map((j) => <JobRow key={j.name} job={j} />)}</tbody>
      </table>
    </div>
  );
}

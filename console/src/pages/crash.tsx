// SPDX-License-Identifier: GPL-2.0-or-later
// One crash: what, where, since when, the call trace, and everything the dump told.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { Crash, CrashPage, CrashRecord } from '../api';
import { bytes, modelName, number, plural, span } from '../format';
import { useLive } from '../live';
import { href, Link, setParam, useRoute } from '../router';
import { AlertCard } from '../ui/alert';
import { FromLine, LogContext, makeLogView } from '../ui/line';
import { Ago, Copy, Facts, Kind, Maybe, NotYet, Panel, ReasonState, Utc, Verdict } from '../ui/parts';
import { AnalysisTab, CpusTab, LogTab, ModulesTab, RecordTab, registersOf, TasksTab, useText } from './crash_tabs';
import { HardwareError, Hints } from './crash_blame';
import { CrashUtilityTab } from './crash_utility';
import { Dump } from './holds';
import { CallTrace } from './trace';

const TABS = [
  ['log', 'Kernel log'],
  ['analysis', 'Analysis'],
  ['crash', 'crash'],
  ['cpus', 'CPUs'],
  ['tasks', 'Tasks'],
  ['modules', 'Modules'],
  ['record', 'Record'],
] as const;

function Where({ crash: c, record }: { crash: Crash; record: CrashRecord | null }): JSX.Element {
  const task = record?.panic_task;
  const lines = record?.event?.lines ?? {};
  const hardware = [modelName(c.model), c.firmware].filter(Boolean).join(' · ');
  const facts: [string, ComponentChildren][] = [
    ['Host', <><Link to={`/hosts/${c.host.id}`}><b>{c.host.name}</b></Link> <span class="quiet">in {c.host.site}</span></>],
    ['Time', <><Utc time={c.time} /> <span class="quiet">UTC, <Ago time={c.time} /></span></>],
    ['Was up', c.uptime_seconds === null ? <Maybe text={null} /> : span(c.uptime_seconds)],
    ...(record?.event?.stuck_seconds === undefined ? [] : [['Was stuck', span(record.event.stuck_seconds)] as [string, ComponentChildren]]),
    ['Kernel', <FromLine line={lines.kernel} what="Kernel"><Link to={href('/crashes', { kernel: c.kernel })}><Maybe text={c.kernel} /></Link> <span class="quiet">{c.kernel_version}</span></FromLine>],
    ['Model', <FromLine line={lines.hardware} what="Model">{c.model ? <Link to={href('/crashes', { model: c.model.id })}>{hardware}</Link> : <Maybe text={hardware} />}</FromLine>],
    ['Task', task?.comm || c.comm
      ? <FromLine line={lines.comm ?? lines.pid ?? lines.cpu} what="Task"><span class="mono">{task?.comm ?? c.comm}</span> <span class="quiet">pid {task?.pid ?? c.pid} on CPU {task?.cpu ?? c.cpu}{record?.system?.cpus ? ` of ${record.system.cpus}` : ''}</span></FromLine>
      : <Maybe text={null} />],
    ['Taint', <FromLine line={lines.taint} what="Taint"><Maybe text={c.taint?.trim()} /></FromLine>],
    ...(record?.event?.panic ? [['Panic', <FromLine line={lines.panic} what="Panic">{record.event.panic}</FromLine>] as [string, ComponentChildren]] : []),
    ['Memory', record?.system?.memory_bytes ? bytes(record.system.memory_bytes) : <Maybe text={null} />],
    ['Load', <Maybe text={record?.system?.load?.join('  ')} />],
  ];
  return <Facts facts={facts} />;
}

function Gaps({ record }: { record: CrashRecord | null }): JSX.Element | null {
  const gaps = record?.gaps ?? [];
  if (!gaps.length) return null;
  return (
    <div class="note note-warn">
      <b>The dump did not hold everything:</b>
      <ul>{gaps.map((g, i) => <li key={i}>{g.what}{g.why ? `: ${g.why}` : ''}</li>)}</ul>
    </div>
  );
}

export function CrashView({ id }: { id: string }): JSX.Element {
  const { params } = useRoute();
  // A crash does not change, but its reason's count and alerts do.
  const { data, error } = useLive<CrashPage>(`/api/v1/crashes/${id}`, 15000);
  const logPath = `/api/v1/crashes/${id}/log`;
  const log = useText(logPath);
  const first = data?.record?.event?.first_line ?? 0;
  const last = data?.record?.event?.last_line ?? 0;
  const registers = useMemo(
    () => (log.text && first ? registersOf(log.text.split('\n').slice(first - 1, last)) : []),
    [log.text, first, last],
  );
  const view = useMemo(() => makeLogView(() => setParam('tab', '')), [id]);
  const lines = data?.record?.event?.lines ?? {};
  const title = data?.crash.title ?? '';
  useEffect(() => {
    if (title) document.title = `${title} · Eyrie`;
  }, [title]);
  if (!data) return <NotYet error={error} />;
  const c = data.crash;
  const others = data.same_reason.filter((s) => s.id !== c.id);
  const tab = TABS.find(([name]) => name === params.get('tab'))?.[0] ?? 'log';
  return (
    <LogContext.Provider value={view}>
      <div class="title">
        <div class="title-over">
          <Kind kind={c.kind} /><Verdict crash={c} />
          {c.corrupted && <span class="badge badge-warn">log cut off</span>}
          <span class="quiet">crash #{c.id}</span>
        </div>
        <h1><FromLine line={lines.title} what="Title"><Maybe text={c.title ?? c.signature} /></FromLine></h1>
        <p class="title-key">
          <Link to={`/reasons/${c.reason.id}`} class="mono">{c.reason.key}</Link>
          <Copy text={c.reason.key} label="Copy the reason's key" />
          <ReasonState state={c.reason.state} />
          {c.signature && <><FromLine line={lines.function} what="Exact key"><span class="mono quiet">{c.signature}</span></FromLine><Copy text={c.signature} label="Copy the exact key" /></>}
        </p>
      </div>
      {data.alerts.length > 0 && <div class="alerts">{data.alerts.map((a) => <AlertCard key={a.id} alert={a} />)}</div>}
      <Hints record={data.record} />
      <Gaps record={data.record} />
      <div class="columns columns-1-1 crash-top">
        <div class="stack">
          <Panel title="Where"><Where crash={c} record={data.record} /></Panel>
          <Dump crash={c} state={data.dump_state} />
          <Panel title="The same reason" note={<Link to={href('/crashes', { reason: c.reason.id })}>{plural(c.reason.crashes, 'crash', 'crashes')} in all</Link>}>
            {others.length === 0 && <p class="quiet">This is the only crash of its reason so far.</p>}
            <ul class="news">
              {others.slice(0, 5).map((s) => (
                <li key={s.id}>
                  <Link to={`/crashes/${s.id}`} class="news-row">
                    <span class="news-title">{s.host.name}</span>
                    <span class="quiet">{s.kernel}</span>
                    <span class="news-side"><Ago time={s.time} /></span>
                  </Link>
                </li>
              ))}
            </ul>
          </Panel>
        </div>
        <div class="stack">
          <HardwareError record={data.record} />
          <CallTrace record={data.record} crash={c} />
          {registers.length > 0 && (
            <Panel title="Registers" note={<Copy text={registers.map(([n, v]) => `${n}: ${v}`).join('\n')} label="Copy the registers" />}>
              <dl class="registers">{registers.map(([n, v]) => <div key={n}><dt>{n}</dt><dd class="mono">{v}</dd></div>)}</dl>
            </Panel>
          )}
        </div>
      </div>
      <section class="panel tabs" aria-label="Evidence">
        <div class="tablist" role="tablist">
          {TABS.map(([name, label]) => (
            <button key={name} type="button" role="tab" id={`tab-${name}`} aria-selected={tab === name}
              aria-controls="tabpanel" onClick={() => setParam('tab', name === 'log' ? '' : name)}>
              {label}{name === 'modules' && data.record?.modules ? <span class="tab-count">{number(data.record.modules.length)}</span> : ''}
            </button>
          ))}
        </div>
        <div id="tabpanel" role="tabpanel" aria-labelledby={`tab-${tab}`} class="tabpanel">
          {tab === 'log' && <LogTab path={logPath} log={log} record={data.record} />}
          {tab === 'analysis' && <AnalysisTab id={c.id} />}
          {tab === 'crash' && <CrashUtilityTab id={c.id} />}
          {tab === 'cpus' && <CpusTab record={data.record} />}
          {tab === 'tasks' && <TasksTab id={c.id} panicPid={data.record?.panic_task?.pid ?? c.pid} />}
          {tab === 'modules' && <ModulesTab record={data.record} crash={c} />}
          {tab === 'record' && <RecordTab id={c.id} />}
        </div>
      </section>
    </LogContext.Provider>
  );
}

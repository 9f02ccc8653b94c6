// SPDX-License-Identifier: GPL-2.0-or-later
// The evidence of a crash. All of it is text of a machine that may lie: it is only ever put into
// text nodes.

import type { JSX } from 'preact';
import { useContext, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ApiError, type Crash, type CrashRecord, getText, type Task, parseJson } from '../api';
import { bytes, number } from '../format';
import { connection } from '../live';
import { setParam, useRoute } from '../router';
import { LogContext } from '../ui/line';
import { Copy, Facts, Maybe } from '../ui/parts';
import { Frames, sourceName } from './trace';

export interface Text { text: string | null; error: string }

/** A part's text, asked for once: it never changes. */
export function useText(path: string): Text {
  const [state, setState] = useState({ path: '', text: null as string | null, error: '' });
  useEffect(() => {
    let stopped = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      try {
        const text = await getText(path);
        if (!stopped) setState({ path, text, error: '' });
        connection.ok();
      } catch (e) {
        if (stopped) return;
        const message = e instanceof Error ? e.message : String(e);
        if (e instanceof ApiError) {
          setState({ path, text: null, error: message });
        } else {
          connection.failed(message);
          timer = setTimeout(() => void load(), 5000);
        }
      }
    };
    void load();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [path]);
  return state.path === path ? state : { text: null, error: '' };
}

function PartBar(props: { path: string; text: string; left?: JSX.Element }): JSX.Element {
  return (
    <div class="partbar">
      <div class="partbar-left">{props.left}</div>
      <Copy text={props.text} label="Copy all of it" />
      <a class="button button-small" href={`${props.path}?download=1`} download>Save</a>
      <a class="button button-small" href={props.path} target="_blank" rel="noopener">Raw</a>
    </div>
  );
}

function Missing({ error, what }: { error: string; what: string }): JSX.Element {
  if (!error) return <div class="loading" role="status"><span class="offscreen">Loading</span></div>;
  return <p class="quiet pad">There is no {what} of this crash ({error}).</p>;
}

const REGISTERS = /\b(R[A-D]X|R[SD]I|R[BS]P|R0?[89]|R1[0-5]|CR[0-4]|EFLAGS|ORIG_RAX):\s*((?:[0-9a-f]{4}:)?[0-9a-f]{8,16})/g;

/** The registers as the event's lines of the log print them; the first value of each counts. */
export function registersOf(lines: string[]): [string, string][] {
  const found = new Map<string, string>();
  for (const line of lines) {
    // A later register block is that of user space, before the system call.
    if (/RIP: 0033:/.test(line)) break;
    for (const m of line.matchAll(REGISTERS)) if (m[1] && m[2] && !found.has(m[1])) found.set(m[1], m[2]);
  }
  return [...found];
}

const LINES_PER_BLOCK = 200;
/** Longer logs are laid out only where one looks. */
const LAZY_LINES = 3000;

interface Marks { first: number; last: number; frames: Set<number>; guilty: string }

function lineClass(text: string, n: number, m: Marks): string {
  if (n < m.first || n > m.last) return '';
  if (m.guilty && /\+0x[0-9a-f]+\/0x/.test(text) && sourceName(/([\w.]+)\+0x/.exec(text)?.[1]) === m.guilty) return 'line-event line-guilty';
  if (/\bRIP: 0010:/.test(text) || /\b(BUG|Oops|kernel BUG|general protection|WARNING|Kernel panic|unable to handle|watchdog)\b/.test(text))
    return 'line-event line-key';
  if (m.frames.has(n)) return 'line-event line-frame';
  return 'line-event';
}

export function LogTab({ path, log, record }: { path: string; log: Text; record: CrashRecord | null }): JSX.Element {
  const { text, error } = log;
  const box = useRef<HTMLDivElement>(null);
  const event = record?.event;
  const first = event?.first_line ?? 0;
  const last = event?.last_line ?? 0;
  const lines = useMemo(() => (text ?? '').replace(/\n$/, '').split('\n'), [text]);
  const marks = useMemo<Marks>(() => {
    const frames = new Set<number>();
    for (const f of event?.frames ?? []) if (f.line) frames.add(f.line);
    for (let n = first; n <= last && n; n++)
      if (/\]\s+\??\s*[\w.]+\+0x[0-9a-f]+\/0x/.test(lines[n - 1] ?? '')) frames.add(n);
    return { first, last, frames, guilty: sourceName(event?.guilty) };
  }, [lines, event?.guilty, first, last]);
  const scrollTo = (which: string): void => {
    const line = box.current?.querySelector<HTMLElement>(which);
    if (box.current && line) {
      // Blocks off screen have estimated heights until they are laid out: twice gets it exact.
      for (let i = 0; i < 2; i++)
        box.current.scrollTop += line.getBoundingClientRect().top - box.current.getBoundingClientRect().top - 60;
    }
  };
  const toEvent = (): void => scrollTo('.line-event');
  useEffect(toEvent, [text, first]);
  const view = useContext(LogContext);
  useEffect(() => {
    if (!view || text === null) return undefined;
    // The class is set by hand: a log has thousands of lines, and one changes.
    let marked: Element | null = null;
    let kept = 0;
    const point = (line: number): void => {
      marked?.classList.remove('line-spot');
      marked = box.current?.querySelector(`[data-line="${line || kept}"]`) ?? null;
      marked?.classList.add('line-spot');
    };
    const jump = (line: number): void => {
      kept = line;
      point(line);
      scrollTo(`[data-line="${line}"]`);
      box.current?.scrollIntoView({ block: 'nearest' });
    };
    const detach = view.attach({ point, jump });
    return () => {
      marked?.classList.remove('line-spot');
      detach();
    };
  }, [view, text]);
  if (text === null) return <Missing error={error} what="kernel log" />;
  const blocks: JSX.Element[] = [];
  for (let start = 0; start < lines.length; start += LINES_PER_BLOCK) {
    blocks.push(
      <div class={`log-block ${lines.length > LAZY_LINES ? 'log-block-lazy' : ''}`} key={start}
        style={{ containIntrinsicSize: `auto ${Math.min(LINES_PER_BLOCK, lines.length - start) * 1.25}rem` }}>
        {lines.slice(start, start + LINES_PER_BLOCK).map((line, i) => (
          <div key={i} class={`line ${lineClass(line, start + i + 1, marks)}`} data-line={start + i + 1}>
            <span class="line-number num" aria-hidden="true">{start + i + 1}</span>
            <span class="line-text">{line}{'\n'}</span>
          </div>
        ))}
      </div>,
    );
  }
  return (
    <>
      <PartBar path={path} text={text} left={
        <>
          <span class="quiet">{number(lines.length)} lines</span>
          {first > 0 && <button type="button" class="button button-small" onClick={toEvent}>Event: lines {first} to {last}</button>}
          {first > 0 && <Copy text={lines.slice(first - 1, last).join('\n')} label="Copy the event's lines" />}
        </>
      } />
      <div class="log" ref={box} tabIndex={0} role="region" aria-label="Kernel log">{blocks}</div>
    </>
  );
}

export function AnalysisTab({ id }: { id: number }): JSX.Element {
  const path = `/api/v1/crashes/${id}/analysis`;
  const { text, error } = useText(path);
  if (text === null) return <Missing error={error} what="analysis text" />;
  return (
    <>
      <PartBar path={path} text={text} left={<span class="quiet">As the crash utility lays it out: sys, bt, bt -a, log, ps</span>} />
      <pre class="pre" tabIndex={0} aria-label="Analysis">{text}</pre>
    </>
  );
}

export function RecordTab({ id }: { id: number }): JSX.Element {
  const path = `/api/v1/crashes/${id}/record`;
  const { text, error } = useText(path);
  if (text === null) return <Missing error={error} what="record" />;
  return (
    <>
      <PartBar path={path} text={text} left={<span class="quiet">record.json, {bytes(text.length)}</span>} />
      <pre class="pre" tabIndex={0} aria-label="Record">{text}</pre>
    </>
  );
}

export function CpusTab({ record }: { record: CrashRecord | null }): JSX.Element {
  const stacks = record?.stacks ?? [];
  const panic = record?.panic_task?.pid;
  if (!stacks.length) return <p class="quiet pad">The dump gave no stack.</p>;
  return (
    <div class="cpus">
      {stacks.map((s, i) => (
        <section key={i} class="cpu" aria-label={`CPU ${s.cpu}`}>
          <h3>CPU {s.cpu} <span class="mono">{s.comm}</span> <span class="quiet">pid {s.pid}</span>
            {i === 0 && s.pid === panic && <span class="badge badge-alert">panicked</span>}</h3>
          <Frames frames={s.frames} label={`Stack of CPU ${s.cpu}`} guilty={i === 0 ? (record?.event?.guilty ?? null) : null} />
        </section>
      ))}
    </div>
  );
}

const STATES: { [state: string]: string } = { RU: 'running', IN: 'sleeping', UN: 'blocked', ID: 'idle', ZO: 'zombie', ST: 'stopped', DE: 'dead' };

export function TasksTab({ id, panicPid }: { id: number; panicPid: number | null }): JSX.Element {
  const { text, error } = useText(`/api/v1/crashes/${id}/record`);
  const { params } = useRoute();
  const state = params.get('tasks') ?? '';
  const tasks = useMemo<Task[]>(() => {
    try {
      const list = (parseJson(text ?? '{}') as { tasks?: Task[] }).tasks;
      return Array.isArray(list) ? list : [];
    } catch {
      return [];
    }
  }, [text]);
  if (text === null) return <Missing error={error} what="record" />;
  if (!tasks.length) return <p class="quiet pad">The dump gave no task list.</p>;
  const states = [...new Set(tasks.map((t) => t.state))].sort();
  const shown = tasks.filter((t) => !state || t.state === state);
  const many = 2000;
  return (
    <>
      <div class="partbar"><div class="partbar-left">
        <span class="quiet">{number(tasks.length)} tasks</span>
        {['', ...states].map((s) => (
          <button key={s} type="button" class={`button button-small ${s === state ? 'button-on' : ''}`} onClick={() => setParam('tasks', s)}>
            {s ? `${s}${STATES[s] ? ` ${STATES[s]}` : ''}` : 'all'}
          </button>
        ))}
      </div></div>
      <div class="table-box scroll">
        <table aria-label="Tasks" class="mono-table">
          <thead><tr><th class="right">PID</th><th class="right">PPID</th><th class="right">CPU</th><th>State</th><th style={{ width: '30%' }}>Command</th><th class="right">VSZ KiB</th><th class="right">RSS KiB</th><th>Task</th></tr></thead>
          <tbody>
            {shown.slice(0, many).map((t) => (
              <tr key={t.address} class={t.pid === panicPid && t.pid ? 'row-bad' : ''}>
                <td class="right num">{t.pid}</td><td class="right num">{t.ppid}</td><td class="right num">{t.cpu}</td>
                <td title={STATES[t.state]}>{t.state}</td><td>{t.comm}</td>
                <td class="right num">{number(t.vsz_kib)}</td><td class="right num">{number(t.rss_kib)}</td><td>{t.address}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length > many && <p class="quiet pad">The first {number(many)} of {number(shown.length)}; the record has all.</p>}
    </>
  );
}

export function ModulesTab({ record, crash }: { record: CrashRecord | null; crash: Crash }): JSX.Element {
  const modules = record?.modules ?? [];
  if (!modules.length) return <p class="quiet pad">The dump gave no module list.</p>;
  return (
    <>
      <div class="pad"><Facts facts={[['Taint of the kernel', <Maybe text={crash.taint?.trim()} />]]} /></div>
      <div class="table-box scroll">
        <table aria-label="Modules" class="mono-table">
          <thead><tr><th>Module</th><th class="right">Size</th><th>Base</th><th>Taint</th></tr></thead>
          <tbody>
            {modules.map((m) => (
              <tr key={m.name} class={m.name === crash.module ? 'row-bad' : ''}>
                <td>{m.name}</td><td class="right num">{number(m.size)}</td><td>{m.base}</td><td>{m.taint}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Small pieces that pages are made of.

import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiError, Crash, Job, Top } from '../api';
import { ago, number, utc } from '../format';
import { useNow } from '../live';
import { Link } from '../router';
import { Icon, type IconName } from './icons';

export function Panel(props: {
  title: string;
  note?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}): JSX.Element {
  return (
    <section class={`panel ${props.class ?? ''}`} aria-label={props.title}>
      <header class="panel-head">
        <h2>{props.title}</h2>
        {props.note !== undefined && <div class="panel-note">{props.note}</div>}
      </header>
      {props.children}
    </section>
  );
}

/** "3 min ago", with the clock time when pointed at. */
export function Ago({ time }: { time: string | null }): JSX.Element {
  const now = useNow(5000);
  if (!time) return <span class="faint">–</span>;
  return <time dateTime={time} title={`${utc(time)} UTC`}>{ago(time, now)}</time>;
}

export function Utc({ time }: { time: string | null }): JSX.Element {
  if (!time) return <span class="faint">–</span>;
  return <time class="num" dateTime={time} title={`${utc(time)} UTC`}>{utc(time)}</time>;
}

export function Maybe({ text }: { text: string | number | null | undefined }): JSX.Element {
  return text === null || text === undefined || text === ''
    ? <span class="faint">–</span>
    : <>{text}</>;
}

const triageWords: { [triage: string]: [string, string] } = {
  'under-investigation': ['known', 'somebody works on it, or decided that nobody will'],
  'already-patched': ['patched', 'a fix exists; this kernel did not have it'],
  'regression': ['regression', 'this kernel had the fix'],
  'hardware': ['hardware', 'broken hardware'],
};

/** New, known, patched already: what a crash is to those who look at it. */
export function Verdict({ crash: c }: { crash: Crash }): JSX.Element {
  const [word, title] = triageWords[c.triage] ?? [c.verdict, c.verdict === 'new' ? 'the first of its reason' : 'seen before; nobody has looked at its reason yet'];
  return <span class={`badge badge-${word}`} title={title}>{word}</span>;
}

export function Kind({ kind }: { kind: string | null }): JSX.Element {
  return <span class={`kind ${kindClass(kind)}`}>{kind ?? 'UNKNOWN'}</span>;
}

/** What crashed in a table's row: the blamed function tells rows apart, so it comes first. */
export function What({ guilty, title }: { guilty: string | null; title: string | null }): JSX.Element {
  if (!guilty) return <span class="cell-what">{title ?? 'not known'}</span>;
  return <span class="cell-what"><b class="mono">{guilty}</b> <span class="quiet">{title ?? ''}</span></span>;
}

// Colour by what sort of trouble it is: memory, lockup, hardware, the rest.
function kindClass(kind: string | null): string {
  if (!kind) return '';
  if (/^(MCE|NMI|HW-OTHER)$/.test(kind)) return 'kind-hardware';
  if (/LOCKUP|HANG|STALL|ATOMIC|LOCKDEP/.test(kind)) return 'kind-lockup';
  if (/KASAN|KFENCE|FREE|DEREF|FAULT|GPF|OVERFLOW|OOB/.test(kind)) return 'kind-memory';
  return '';
}

const stateWords: { [state: string]: string } = {
  'new': 'new, nobody looked yet',
  'investigating': 'investigating',
  'reported': 'reported to vendor',
  'fix-available': 'fix available',
  'rolled-out': 'fix rolled out',
  'resolved': 'resolved',
  'wont-fix': 'will not fix',
  'hardware': 'hardware',
};

export const STATES = Object.keys(stateWords);

export function stateWord(state: string): string {
  // "new" would read as the verdict of the crash beside it.
  return state === 'new' ? 'unseen' : state.replace('-', ' ');
}

export function ReasonState({ state }: { state: string }): JSX.Element {
  return <span class={`badge badge-state badge-state-${state}`} title={stateWords[state]}>{stateWord(state)}</span>;
}

export function Copy({ text, label }: { text: string; label: string }): JSX.Element {
  const [done, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // No clipboard where the page came over plain HTTP from another machine.
      const area = document.createElement('textarea');
      area.value = text;
      area.className = 'offscreen';
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return (
    <button type="button" class={`copy ${done ? 'copy-done' : ''}`} onClick={() => void copy()}
      title={done ? 'Copied' : label} aria-label={done ? 'Copied' : label}>
      <Icon name={done ? 'check' : 'copy'} />
    </button>
  );
}

export function Empty(props: { icon?: IconName; title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <Icon name={props.icon ?? 'check'} />
      <p class="empty-title">{props.title}</p>
      {props.children && <div class="empty-text">{props.children}</div>}
    </div>
  );
}

/** In place of a page: while it loads, or the server's "no". */
export function NotYet({ error }: { error: ApiError | null }): JSX.Element {
  if (!error) return <div class="loading" role="status"><span class="offscreen">Loading</span></div>;
  return (
    <Empty icon="search" title={error.status === 404 ? 'There is nothing at this address' : 'That did not work'}>
      <p>{error.message}.</p>
      <p><Link to="/">Go to the overview</Link></p>
    </Empty>
  );
}

/** Label and value pairs. */
export function Facts({ facts }: { facts: [string, ComponentChildren][] }): JSX.Element {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
      ))}
    </dl>
  );
}

/** Of a reason's key ("g1:KIND:function") the part that tells it apart. */
export function reasonShort(row: Top): JSX.Element | undefined {
  const parts = /^g\d+:([^:]+):(.+)$/.exec(row.detail ?? '');
  return parts ? <><b class="mono">{parts[2]}</b> <span class="quiet">{parts[1]}</span></> : undefined;
}

/** Groups with their share as a bar. */
export function TopList(props: {
  rows: Top[];
  to: (row: Top) => string;
  show?: (row: Top) => ComponentChildren;
  by?: 'crashes' | 'hosts';
  unknown?: string;
  mono?: boolean;
  empty?: string;
}): JSX.Element {
  const by = props.by ?? 'crashes';
  const max = Math.max(1, ...props.rows.map((r) => r[by]));
  if (!props.rows.length) return <p class="quiet">{props.empty ?? 'Nothing in this time.'}</p>;
  return (
    <ol class="top">
      {props.rows.map((r) => (
        <li key={`${r.id}/${r.label}/${r.detail}`}>
          <Link to={props.to(r)} class="top-row" title={[r.label, r.detail].filter(Boolean).join(' · ')}>
            <span class="top-bar" style={{ width: `${(r[by] / max) * 100}%` }} />
            <span class={`top-label ${props.mono ? 'mono' : ''}`}>
              {r.label ? (props.show?.(r) ?? r.label) : <span class="faint">{props.unknown ?? 'not known'}</span>}
            </span>
            <span class="top-side">{r.hosts === r.crashes ? '' : `${number(r.hosts)} host${r.hosts === 1 ? '' : 's'}`}</span>
            <span class="top-count num">{number(r[by])}</span>
          </Link>
        </li>
      ))}
    </ol>
  );
}

export function JobState({ job }: { job: Job }): JSX.Element {
  return <span class={`dot dot-${job.state}`} aria-hidden="true" />;
}

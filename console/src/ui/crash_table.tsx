// SPDX-License-Identifier: GPL-2.0-or-later
import type { JSX } from 'preact';
import type { Crash } from '../api';
import { modelName } from '../format';
import { Link } from '../router';
import { Ago, Kind, Maybe, Utc, Verdict, What } from './parts';
import { type Column, Table } from './table';

const time: Column<Crash> = { head: 'Crashed', width: '12rem', cell: (c) => <Link to={`/crashes/${c.id}`} class="plain"><Utc time={c.time} /></Link> };
const ago: Column<Crash> = { head: 'Crashed', width: '7.5rem', cell: (c) => <Ago time={c.time} /> };
const verdict: Column<Crash> = { head: 'Verdict', width: '6rem', cell: (c) => <Verdict crash={c} /> };
const what: Column<Crash> = {
  head: 'What',
  cell: (c) => (
    <Link to={`/crashes/${c.id}`} class="cell-title" title={c.title ?? ''}>
      <Kind kind={c.kind} /><What guilty={c.guilty ?? c.function} title={c.title} />
    </Link>
  ),
};
const host: Column<Crash> = {
  head: 'Host', width: '14rem', cell: (c) => <Link to={`/hosts/${c.host.id}`} title={c.host.name}>{c.host.name}</Link>,
};
const site: Column<Crash> = { head: 'Site', width: '6rem', drop: 2, cell: (c) => c.host.site };
const kernel: Column<Crash> = { head: 'Kernel', width: '13.5rem', drop: 2, cell: (c) => <span title={c.kernel ?? ''}><Maybe text={c.kernel} /></span> };
const model: Column<Crash> = {
  head: 'Model', width: '14rem', drop: 1,
  cell: (c) => <span title={modelName(c.model)}><Maybe text={modelName(c.model)} /></span>,
};

const sets = {
  full: [time, verdict, what, host, site, kernel, model],
  latest: [ago, verdict, what, host],
  of_host: [time, verdict, what, kernel],
  of_reason: [time, host, site, kernel, model],
};

export function CrashTable(props: { crashes: Crash[]; set: keyof typeof sets; label: string; stale?: boolean }): JSX.Element {
  return (
    <Table label={props.label} columns={sets[props.set]} rows={props.crashes} id={(c) => c.id}
      to={(c) => `/crashes/${c.id}`} stale={props.stale ?? false} />
  );
}

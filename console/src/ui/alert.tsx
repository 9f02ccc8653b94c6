// SPDX-License-Identifier: GPL-2.0-or-later
// An alert: what is wrong, where, since when, who has it; and taking it on.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Alert } from '../api';
import { number, plural, span, utc } from '../format';
import { useNow } from '../live';
import { href, Link } from '../router';
import { useMay } from '../session';
import { FormDialog } from './form';
import { Icon, type IconName } from './icons';
import { Ago } from './parts';

const icons: { [scope: string]: IconName } = { host: 'hosts', model: 'model', reason: 'reasons' };

export function subjectLink(a: Alert): string {
  switch (a.scope) {
    case 'host': return `/hosts/${a.subject.id}`;
    case 'reason': return `/reasons/${a.subject.id}`;
    case 'model': return href('/crashes', { model: a.subject.id });
  }
}

/** "7 crashes in 24 h" for a host, "7 hosts in 24 h" for the others. */
export function counted(a: Alert): string {
  const what = a.scope === 'host' ? plural(a.count, 'crash', 'crashes') : plural(a.count, 'host');
  return `${what} in ${span(a.window_seconds)}`;
}

export function AlertCard({ alert: a }: { alert: Alert }): JSX.Element {
  const now = useNow(5000);
  const [taking, setTaking] = useState(false);
  const may = useMay('triage');
  const end = a.resolved ? Date.parse(a.resolved) : now;
  return (
    <article data-steady class={`alert alert-${a.state}`} aria-label={`${a.state} alert: ${a.summary}`}>
      <div class="alert-icon"><Icon name={icons[a.scope] ?? 'alerts'} /></div>
      <div class="alert-what">
        <div class="alert-scope">{a.scope}{a.hint && <span class="badge badge-hint">looks like {a.hint}</span>}</div>
        <Link to={subjectLink(a)} class="alert-subject">{a.subject.name}</Link>
        <p class="alert-summary">{a.summary}</p>
      </div>
      <div class="alert-number">
        <b class="num">{number(a.count)}</b>
        <span>{a.scope === 'host' ? (a.count === 1 ? 'crash' : 'crashes') : a.count === 1 ? 'host' : 'hosts'} in {span(a.window_seconds)}</span>
        <span class="faint">threshold {number(a.threshold)}</span>
      </div>
      <div class="alert-since">
        <b>{span((end - Date.parse(a.since)) / 1000)}</b>
        <span>{a.resolved ? 'until' : 'since'} <time title={`${utc(a.resolved ?? a.since)} UTC`} dateTime={a.resolved ?? a.since}>{utc(a.resolved ?? a.since).slice(5, 16)}</time></span>
        <span class="faint">last seen <Ago time={a.updated} /></span>
      </div>
      <div class="alert-who">
        {a.state === 'resolved' && <><b>Resolved</b><span>{a.who ? `was with ${a.who}` : 'by itself'}</span></>}
        {a.state === 'acknowledged' && <><b>{a.who}</b><span>has it since <Ago time={a.acknowledged} /></span></>}
        {a.state === 'firing' && (
          <>
            <b class="alert-nobody">Nobody has it</b>
            {may && <button type="button" class="button button-strong" onClick={() => setTaking(true)}>Take it</button>}
          </>
        )}
        <Link to={href('/crashes', { alert: a.id })} class="alert-crashes">{plural(a.crashes, 'crash', 'crashes')}</Link>
      </div>
      {taking && (
        <FormDialog title="Take this alert" what={`${a.subject.name} · ${counted(a)}`} button="Take it"
          note="It stays on the wall as yours and sends no more mail until it resolves."
          path={`/api/v1/alerts/${a.id}/ack`} body={() => ({})} onDone={() => setTaking(false)} />
      )}
    </article>
  );
}

// SPDX-License-Identifier: GPL-2.0-or-later
// One host: what it is, what it had, its boots and what was changed.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { type HostPage, LIVES, type Twin } from '../api';
import { modelName, number, span } from '../format';
import { useLive } from '../live';
import { href, Link } from '../router';
import { AlertCard } from '../ui/alert';
import { Chart } from '../ui/chart';
import { CrashTable } from '../ui/crash_table';
import { useMay } from '../session';
import { FormDialog } from '../ui/form';
import { Holds } from './holds';
import { Ago, Copy, Facts, Maybe, NotYet, Panel, reasonShort, TopList, Utc } from '../ui/parts';

function Id({ text }: { text: string | null }): JSX.Element {
  return text ? <span class="mono id">{text}<Copy text={text} label="Copy" /></span> : <Maybe text={text} />;
}

type Boot = HostPage['boots'][number];

/** What is not as in the boot before it. */
function Changed({ boot }: { boot: Boot }): JSX.Element {
  if (!boot.changed) return <span class="quiet">–</span>;
  if (!boot.changed.length) return <span class="quiet">nothing</span>;
  return <>{boot.changed.map((c) => <div key={c.what}><span class="quiet">{c.what}</span> {c.from ?? '–'} → {c.to ?? '–'}</div>)}</>;
}

/** Changes that were told and boots, the latest first: what came before a crash stands below it. */
function ChangesAndBoots({ data }: { data: HostPage }): JSX.Element {
  const rows = [
    ...data.boots.map((b) => ({ time: b.started ?? b.last_seen ?? '', boot: b, change: null })),
    ...data.changes.map((c) => ({ time: c.time, boot: null, change: c })),
    ...data.life_history.map((e) => ({ time: e.time, boot: null, change: { what: `life: ${e.old} → ${e.new}${e.why ? ` (${e.why})` : ''}`, tool: '', who: e.who, link: null } })),
  ].sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
  return (
    <Panel title="Changes and boots">
      <div class="table-box">
        <table aria-label="Changes and boots">
          <thead><tr><th style={{ width: '12rem' }}>Time</th><th style={{ width: '12rem' }}>Until</th><th style={{ width: '7rem' }}>Was up</th><th>Kernel</th><th>Firmware</th><th>Changed</th></tr></thead>
          <tbody>
            {rows.map(({ time, boot: b, change: c }, i) => b ? (
              <tr key={`b${b.boot_id ?? i}`}>
                <td><Utc time={b.started} /></td>
                <td>{b.crash_id ? <Link to={`/crashes/${b.crash_id}`}>crashed <Utc time={b.last_seen} /></Link> : <Utc time={b.last_seen} />}</td>
                <td class="num">{b.started && b.last_seen ? span((Date.parse(b.last_seen) - Date.parse(b.started)) / 1000) : '–'}</td>
                <td><Maybe text={b.kernel} /></td>
                <td><Maybe text={b.firmware} /></td>
                <td><Changed boot={b} /></td>
              </tr>
            ) : (
              <tr key={`c${i}`}>
                <td><Utc time={time} /></td>
                <td class="quiet" colSpan={2}>{[c.tool, c.who].filter((x) => x && x !== '').join(', ')}</td>
                <td colSpan={3}>{c.what}{c.link && /^https?:\/\//.test(c.link) && <> <a href={c.link} rel="noopener noreferrer">details</a></>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function twinText(host: HostPage['host'], twins: Twin[]): JSX.Element {
  return <>{twins.map((t) => (
    <div key={`${t.host_id ?? 0} ${t.machine_id}`}>
      {t.host_id
        ? <>{t.at_once ? 'clone: ' : 'had the same disk: '}<Link to={`/hosts/${t.host_id}`}>{t.name}</Link></>
        : t.machine_id === host.machine_id?.replace(/-/g, '') ? 'installed as it is' : <>installed before as <span class="mono id">{t.machine_id}</span></>}
      {' '}<span class="quiet">(<Utc time={t.first_seen} /> to <Utc time={t.last_seen} />)</span>
    </div>
  ))}</>;
}

/** Where a host stands: alerts and incidence count production only. */
function Life({ host: h }: { host: HostPage['host'] }): JSX.Element | null {
  const may = useMay('operate');
  const [setting, setSetting] = useState(false);
  if (!may) return null;
  return (
    <div class="title-buttons">
      <button type="button" class="button" onClick={() => setSetting(true)}>Life…</button>
      {setting && (
        <FormDialog title="The host's life" what={h.name} button="Set" path={`/api/v1/hosts/${h.id}/life`} onDone={() => setSetting(false)}
          fields={[
            { name: 'life', label: 'It is in', value: h.life, choices: LIVES.map((l) => ({ value: l, label: l })) },
            { name: 'why', label: 'Why (for the history)' },
          ]}
          body={(v) => ({ life: v['life'], ...(v['why']?.trim() ? { why: v['why'].trim() } : {}) })} />
      )}
    </div>
  );
}

export function HostView({ id }: { id: string }): JSX.Element {
  const { data, error } = useLive<HostPage>(`/api/v1/hosts/${id}`);
  if (!data) return <NotYet error={error} />;
  const h = data.host;
  return (
    <>
      <div class="title">
        <div class="title-over"><span class="quiet">Host in site {h.site}</span></div>
        <h1>{h.name}{h.life !== 'production' && <> <span class="badge">{h.life}</span></>}</h1>
        <Life host={h} />
        <Holds scope="host" subject={h.id} />
      </div>
      {data.alerts.length > 0 && <div class="alerts">{data.alerts.map((a) => <AlertCard key={a.id} alert={a} />)}</div>}
      <div class="columns columns-1-2">
        <Panel title="Machine">
          <Facts facts={[
            ['Model', h.model ? <Link to={href('/crashes', { model: h.model.id })}>{modelName(h.model)}</Link> : <Maybe text={null} />],
            ['Firmware', <Maybe text={h.firmware} />],
            ['Kernel', <Maybe text={h.kernel} />],
            ['Image', <Maybe text={h.image} />],
            ['Life', h.life],
            ['Last heartbeat', <Utc time={h.last_beat} />],
            ...(data.labels.length ? [['Labels', <>{data.labels.map((l) => <div key={l.name + l.source}>{l.name} = {l.value}</div>)}</>] as [string, JSX.Element]] : []),
            ...(data.twins.length ? [['Install ids', twinText(h, data.twins)] as [string, JSX.Element]] : []),
            ['Crashes', <Link to={href('/crashes', { host: h.id })}>{number(h.crashes)}</Link>],
            ['Reasons', number(h.reasons)],
            ['First crash', <Utc time={h.first_seen} />],
            ['Last crash', <><Utc time={h.last_seen} /> <span class="quiet">(<Ago time={h.last_seen} />)</span></>],
            ['Machine id', <Id text={h.machine_id} />],
            ['DMI UUID', <Id text={h.dmi_uuid} />],
            ['Serial', <Id text={h.dmi_serial} />],
            ['Folder', <Id text={`${h.site}/${h.folder}`} />],
          ]} />
        </Panel>
        <div class="stack">
          <Panel title="Crashes by day, 90 days">
            <Chart label="Crashes of this host by day" step="day" height={130} bars={data.days.map((d) => ({ ...d, time: d.day }))} />
          </Panel>
          <Panel title="Reasons"><TopList rows={data.reasons} to={(t) => href('/crashes', { host: h.id, reason: t.id })} show={reasonShort} /></Panel>
        </div>
      </div>
      <Panel title="Crashes" note={<Link to={href('/crashes', { host: h.id })}>all</Link>}>
        <CrashTable crashes={data.latest} set="of_host" label="Crashes of this host" />
      </Panel>
      <ChangesAndBoots data={data} />
    </>
  );
}

// SPDX-License-Identifier: GPL-2.0-or-later
// One host: what it is, what it had, which boots ended in a crash.

import type { JSX } from 'preact';
import type { HostPage } from '../api';
import { modelName, number, span } from '../format';
import { useLive } from '../live';
import { href, Link } from '../router';
import { AlertCard } from '../ui/alert';
import { Chart } from '../ui/chart';
import { CrashTable } from '../ui/crash_table';
import { Ago, Copy, Facts, Maybe, NotYet, Panel, reasonShort, TopList, Utc } from '../ui/parts';

function Id({ text }: { text: string | null }): JSX.Element {
  return text ? <span class="mono id">{text}<Copy text={text} label="Copy" /></span> : <Maybe text={text} />;
}

export function HostView({ id }: { id: string }): JSX.Element {
  const { data, error } = useLive<HostPage>(`/api/v1/hosts/${id}`);
  if (!data) return <NotYet error={error} />;
  const h = data.host;
  return (
    <>
      <div class="title">
        <div class="title-over"><span class="quiet">Host in site {h.site}</span></div>
        <h1>{h.name}</h1>
      </div>
      {data.alerts.length > 0 && <div class="alerts">{data.alerts.map((a) => <AlertCard key={a.id} alert={a} />)}</div>}
      <div class="columns columns-1-2">
        <Panel title="Machine">
          <Facts facts={[
            ['Model', h.model ? <Link to={href('/crashes', { model: h.model.id })}>{modelName(h.model)}</Link> : <Maybe text={null} />],
            ['Firmware', <Maybe text={h.firmware} />],
            ['Kernel', <Maybe text={h.kernel} />],
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
      <Panel title="Boots that ended in a crash">
        <div class="table-box">
          <table aria-label="Boots">
            <thead><tr><th style={{ width: '12rem' }}>Started</th><th style={{ width: '12rem' }}>Crashed</th><th style={{ width: '7rem' }}>Was up</th><th>Kernel</th><th>Firmware</th><th class="drop-1">Boot id</th></tr></thead>
            <tbody>
              {data.boots.map((b, i) => (
                <tr key={b.boot_id ?? i}>
                  <td><Utc time={b.started} /></td>
                  <td>{b.crash_id ? <Link to={`/crashes/${b.crash_id}`}><Utc time={b.last_seen} /></Link> : <Utc time={b.last_seen} />}</td>
                  <td class="num">{b.started && b.last_seen ? span((Date.parse(b.last_seen) - Date.parse(b.started)) / 1000) : '–'}</td>
                  <td><Maybe text={b.kernel} /></td>
                  <td><Maybe text={b.firmware} /></td>
                  <td class="mono drop-1"><Maybe text={b.boot_id} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
    </>
  );
}

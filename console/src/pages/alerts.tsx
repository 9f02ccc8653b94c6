// SPDX-License-Identifier: GPL-2.0-or-later
import type { JSX } from 'preact';
import type { Alert, Crash } from '../api';
import { useLive } from '../live';
import { href, Link, useRoute } from '../router';
import { AlertCard } from '../ui/alert';
import { apiPath, ListFoot, Select, useList } from '../ui/list';
import { useSteady } from '../ui/steady';
import { CrashTable } from '../ui/crash_table';
import { Empty, NotYet, Panel } from '../ui/parts';

export function Alerts(): JSX.Element {
  const { params } = useRoute();
  const fixed: { [name: string]: string } = params.get('state') ? {} : { state: 'active' };
  const path = apiPath('/api/v1/alerts', params, ['state', 'scope'], fixed).replace('state=all', '');
  const list = useList<Alert>(path, 'alerts');
  const steady = useSteady(list.rows, (a) => a.id);
  return (
    <>
      <div class="page-head">
        <h1>Alerts</h1>
        <div class="filters">
          <Select name="state" label="State" any="active" choices={[
            { value: 'firing', label: 'firing' },
            { value: 'acknowledged', label: 'acknowledged' },
            { value: 'resolved', label: 'resolved' },
            { value: 'all', label: 'all' },
          ]} />
          <Select name="scope" label="About" choices={['host', 'model', 'reason'].map((s) => ({ value: s, label: s }))} />
        </div>
      </div>
      {!list.data && <NotYet error={list.error} />}
      {list.data && list.rows.length === 0 && (
        <Empty title={params.get('state') || params.get('scope') ? 'No alert fits these filters' : 'No active alert'}>
          <p>An alert fires when a host, a model or a reason crashes more often than <code>[monitor]</code> in
            eyrie.conf allows. Earlier ones: choose the state “resolved”.</p>
        </Empty>
      )}
      <div ref={steady.box} class={`alerts alerts-list ${list.pending ? 'table-stale' : ''}`}>
        {steady.waiting > 0 && <button type="button" class="waiting" onClick={steady.show}>{steady.waiting} new: show</button>}
        {steady.rows.map((a) => <AlertCard key={a.id} alert={a} />)}
      </div>
      <ListFoot list={list} noun="alerts" />
    </>
  );
}

/** One alert: where its mail leads to. */
export function AlertView({ id }: { id: string }): JSX.Element {
  const { data, error } = useLive<{ alert: Alert; latest: Crash[] }>(`/api/v1/alerts/${id}`);
  if (!data) return <NotYet error={error} />;
  return (
    <>
      <div class="page-head"><h1>Alert #{data.alert.id}</h1></div>
      <div class="alerts"><AlertCard alert={data.alert} /></div>
      <Panel title="Its latest crashes" note={<Link to={href('/crashes', { alert: data.alert.id })}>all</Link>}>
        <CrashTable crashes={data.latest} set="latest" label="Latest crashes of this alert" />
      </Panel>
    </>
  );
}

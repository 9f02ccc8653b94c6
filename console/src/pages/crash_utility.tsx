// SPDX-License-Identifier: GPL-2.0-or-later
// On a crash's page: what the crash utility said of the dump, beside our own analysis, and where the two differ.

import type { JSX } from 'preact';
import { utc } from '../format';
import { useLive } from '../live';
import { Copy, NotYet } from '../ui/parts';
import { useText } from './crash_tabs';

interface CrashRun {
  state: 'none' | 'done' | 'no-symbols' | 'failed';
  build_id: string | null;
  message: string | null;
  time: string | null;
  milliseconds: number;
  differences: { field?: unknown; native?: unknown; crash?: unknown }[];
  text: string | null;
}

/** Of a record's field: text as it is, the rest as JSON, nothing as a dash. */
function Value({ value }: { value: unknown }): JSX.Element {
  if (value === null || value === undefined) return <span class="faint">–</span>;
  return <span class="mono">{typeof value === 'string' ? value : JSON.stringify(value)}</span>;
}

function Differences({ run }: { run: CrashRun }): JSX.Element {
  if (!run.differences.length) return <p class="tab-note agrees">The two agree in all that both say.</p>;
  return (
    <div class="table-box differences">
      <table aria-label="Where the two differ">
        <thead><tr><th scope="col" style={{ width: '16rem' }}>Field</th><th scope="col">Native</th><th scope="col">crash</th></tr></thead>
        <tbody>
          {run.differences.map((d, i) => (
            <tr key={i}><td><Value value={d.field} /></td><td><Value value={d.native} /></td><td><Value value={d.crash} /></td></tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Side({ name, text, none }: { name: string; text: string | null; none: string }): JSX.Element {
  return (
    <section class="side-text" aria-label={name}>
      <header><h3>{name}</h3>{text !== null && <Copy text={text} label={`Copy: ${name}`} />}</header>
      {text === null ? <p class="quiet">{none}</p> : <pre class="pre" tabIndex={0}>{text}</pre>}
    </section>
  );
}

export function CrashUtilityTab({ id }: { id: number }): JSX.Element {
  const { data, error } = useLive<CrashRun>(`/api/v1/crashes/${id}/crash`, 60000);
  const native = useText(`/api/v1/crashes/${id}/analysis`);
  if (!data) return <NotYet error={error} />;
  switch (data.state) {
    case 'none':
      return <p class="tab-note quiet">The crash utility has not read this dump. It does so at the center where [server] crash_interval is set, or by <code>eyrie crash-run {id}</code>.</p>;
    case 'no-symbols':
    case 'failed':
      return <p class="tab-note note note-warn">The crash utility could not read it: {data.message ?? 'it did not say why'}.</p>;
    case 'done':
      return (
        <>
          <p class="tab-note quiet">
            Read by the crash utility {data.time && <>on {utc(data.time)} UTC</>} in {(data.milliseconds / 1000).toFixed(1)} s
            {data.build_id && <>, with the symbols of build id <span class="mono">{data.build_id}</span></>}.
          </p>
          <Differences run={data} />
          <div class="sides">
            <Side name="Native analysis" text={native.text} none={native.error || 'Loading…'} />
            <Side name="crash" text={data.text} none="It wrote nothing." />
          </div>
        </>
      );
  }
}

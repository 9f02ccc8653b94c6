// SPDX-License-Identifier: GPL-2.0-or-later
// On a crash's page: what the crash utility said of the dump, and what it says otherwise.

import type { JSX } from 'preact';
import { useLive } from '../live';
import { NotYet } from '../ui/parts';

interface CrashRun {
  state: 'none' | 'done' | 'no-symbols' | 'failed';
  build_id: string | null;
  message: string | null;
  time: string | null;
  milliseconds: number;
  differences: { field: string; native: unknown; crash: unknown }[];
  text: string | null;
}

const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export function CrashUtilityTab({ id }: { id: number }): JSX.Element {
  const { data, error } = useLive<CrashRun>(`/api/v1/crashes/${id}/crash`, 0);
  if (!data) return <NotYet error={error} />;
  if (data.state === 'none') return <p class="quiet">The crash utility has not read this dump. It does so where [server] crash_interval is set, or by “eyrie crash-run {id}”.</p>;
  if (data.state !== 'done') return <p class="note note-warn">{data.message}</p>;
  return (
    <>
      {data.differences.length > 0
        ? (
          <table class="table" aria-label="What crash says otherwise">
            <thead><tr><th>Field</th><th>Native</th><th>crash</th></tr></thead>
            <tbody>{data.differences.map((d, i) => <tr key={i}><td>{d.field}</td><td class="mono">{plain(d.native)}</td><td class="mono">{plain(d.crash)}</td></tr>)}</tbody>
          </table>
        )
        : <p class="quiet">It agrees with the native analysis.</p>}
      <pre class="text">{data.text}</pre>
    </>
  );
}

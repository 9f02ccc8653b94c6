// SPDX-License-Identifier: GPL-2.0-or-later
// The month as managers get it by mail: the very same page, with the month to choose.

import type { JSX } from 'preact';
import { serverNow } from '../api';
import { href, setParam, useRoute } from '../router';

function months(): string[] {
  const now = new Date(serverNow());
  return Array.from({ length: 24 }, (_, i) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - i, 1)).toISOString().slice(0, 7));
}

export function Report(): JSX.Element {
  const { params } = useRoute();
  const all = months();
  const month = params.get('month') ?? all[0] ?? '';
  const page = href('/report.html', { month });
  return (
    <div class="report">
      <div class="page-head">
        <h1>Report</h1>
        <div class="filters">
          <label class="select"><span>Month</span>
            <select value={month} onChange={(e) => setParam('month', e.currentTarget.value)}>
              {!all.includes(month) && <option value={month}>{month}</option>}
              {all.map((m) => <option key={m} value={m}>{m}</option>)}
            </select>
          </label>
          <a class="button" href={page} target="_blank" rel="noopener">Open alone</a>
          <a class="button" href={href('/report.html', { month, download: 1 })}>Save</a>
        </div>
      </div>
      <iframe class="report-frame" src={page} title={`Report of ${month}`} />
    </div>
  );
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Dense tables: columns of fixed width, so that a refresh moves nothing; a row is a link; the
// arrow keys (or j and k) go from row to row, Enter opens.

import type { ComponentChildren, JSX } from 'preact';
import { navigate } from '../router';
import { useSteady } from './steady';

export interface Column<T> {
  head: string;
  cell: (row: T) => ComponentChildren;
  /** CSS width; one column should have none and takes what is left. */
  width?: string;
  /** Right-aligned digits. */
  num?: boolean;
  /** Dropped on narrow screens, 1 first. */
  drop?: 1 | 2 | 3;
}

export function Table<T>(props: {
  label: string;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => number | string;
  to: (row: T) => string;
  stale?: boolean;
  tone?: (row: T) => string;
}): JSX.Element {
  const onClick = (e: MouseEvent, row: T): void => {
    const target = e.target as HTMLElement;
    if (target.closest('a, button') || e.button || String(getSelection() ?? '')) return;
    if (e.metaKey || e.ctrlKey) window.open(props.to(row), '_blank', 'noopener');
    else navigate(props.to(row));
  };
  const steady = useSteady(props.rows, props.id);
  const dropped = (c: Column<T>): string => (c.drop ? `drop-${c.drop}` : '');
  return (
    <div ref={steady.box} class={`table-box ${props.stale ? 'table-stale' : ''}`}>
      {steady.waiting > 0 && (
        <button type="button" class="waiting" onClick={steady.show} title="They wait as long as you read, so that no row moves">{steady.waiting} new: show</button>
      )}
      <table aria-label={props.label}>
        <thead>
          <tr>
            {props.columns.map((c) => (
              <th key={c.head} scope="col" style={c.width ? { width: c.width } : {}}
                class={`${c.num ? 'right' : ''} ${dropped(c)}`}>
                {c.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {steady.rows.map((row, i) => (
            <tr key={props.id(row)} data-steady data-row={props.to(row)} tabIndex={i ? -1 : 0}
              class={props.tone?.(row) ?? ''} onClick={(e) => onClick(e, row)}>
              {props.columns.map((c) => (
                <td key={c.head} class={`${c.num ? 'right num' : ''} ${dropped(c)}`}>{c.cell(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Move the focus by `step` rows in the table that has it, else into the page's first table. */
export function moveRow(step: number): void {
  const focused = document.activeElement?.closest('tr[data-row]');
  const rows = [...(focused?.closest('tbody') ?? document).querySelectorAll<HTMLElement>('tr[data-row]')];
  const at = focused ? rows.indexOf(focused as HTMLElement) : -1;
  const next = rows[focused ? Math.min(rows.length - 1, Math.max(0, at + step)) : 0];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

/** Open the row that has the focus; false where none has. */
export function openRow(): boolean {
  const row = document.activeElement?.matches('tr[data-row]') ? document.activeElement : null;
  const to = row?.getAttribute('data-row');
  if (!to) return false;
  navigate(to);
  return true;
}

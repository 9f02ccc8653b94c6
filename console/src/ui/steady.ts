// SPDX-License-Identifier: GPL-2.0-or-later
// Rows do not move under the eyes and the pointer of who reads them: as long as somebody does, each stays
// where it is (with its newest content), and what is new waits until it is asked for or the reader has left.

import { useEffect, useReducer, useRef } from 'preact/hooks';

type Id = number | string;

/**
 * What to show of `rows` to somebody who sees `kept` (ids, in their order): those rows in that order, as they
 * are now or, where they fell off the list, were; then what comes behind all of them, as "more" rows do.
 * `waiting`: how many more there are.
 */
export function steadyRows<T>(kept: T[], rows: T[], id: (row: T) => Id): { rows: T[]; waiting: number } {
  const now = new Map(rows.map((r) => [id(r), r]));
  const seen = new Set(kept.map(id));
  let last = -1;
  rows.forEach((r, i) => { if (seen.has(id(r))) last = i; });
  const behind = last < 0 ? [] : rows.slice(last + 1);
  return {
    rows: [...kept.map((k) => now.get(id(k)) ?? k), ...behind],
    waiting: rows.filter((r, i) => !seen.has(id(r)) && (last < 0 || i < last)).length,
  };
}

/** A pointer that was left on a table does not keep a wall from going on. */
const READING_MS = 60_000;
let lastMove = 0;
for (const name of ['pointermove', 'keydown', 'wheel', 'pointerdown', 'touchmove'])
  globalThis.window?.addEventListener(name, () => { lastMove = Date.now(); }, { passive: true, capture: true });

function somebodyReads(box: Element | null): boolean {
  if (!box || Date.now() - lastMove > READING_MS) return false;
  return box.querySelector('[data-steady]:hover, [data-steady]:focus, [data-steady]:focus-within') !== null ||
    (window.scrollY > 0 && box.getBoundingClientRect().top < 0);
}

export interface Steady<T> {
  rows: T[];
  /** So many new ones are not shown yet. */
  waiting: number;
  /** Show them now. */
  show: () => void;
  /** To be put on the element that holds the rows, each of which has `data-steady`. */
  box: { current: HTMLDivElement | null };
}

export function useSteady<T>(rows: T[], id: (row: T) => Id): Steady<T> {
  const box = useRef<HTMLDivElement | null>(null);
  const kept = useRef<{ page: string; rows: T[] }>({ page: '', rows: [] });
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const page = location.pathname + location.search;
  let shown = { rows, waiting: 0 };
  // Another page or filter is what the reader asked for.
  if (kept.current.page === page && kept.current.rows.length && somebodyReads(box.current)) shown = steadyRows(kept.current.rows, rows, id);
  kept.current = { page, rows: shown.rows };
  const { waiting } = shown;
  useEffect(() => {
    if (!waiting) return undefined;
    const timer = setInterval(() => { if (!somebodyReads(box.current)) redraw(undefined); }, 400);
    return () => clearInterval(timer);
  }, [waiting]);
  const show = (): void => {
    kept.current = { page: '', rows: [] };
    redraw(undefined);
  };
  return { ...shown, show, box };
}

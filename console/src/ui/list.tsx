// SPDX-License-Identifier: GPL-2.0-or-later
// A list page: filters in the address, the first rows refreshed, more on demand.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, getJson } from '../api';
import { connection, type Live, REFRESH_MS, useLive } from '../live';
import { setParam, useRoute } from '../router';
import { Icon } from './icons';

export interface Listing<T> extends Live<unknown> {
  rows: T[];
  total: number | null;
  hasMore: boolean;
  loadingMore: boolean;
  /** Rows beyond the first page are shown: the list stands still until `newest()`. */
  paused: boolean;
  more: () => void;
  newest: () => void;
}

interface Answer { next: string | null; total?: number | null }

/** Poll `path` (with its parameters), whose answer has the rows under `key`. */
export function useList<T>(path: string, key: string): Listing<T> {
  const [extra, setExtra] = useState<{ path: string; rows: T[]; next: string | null }>({ path: '', rows: [], next: null });
  const [loadingMore, setLoadingMore] = useState(false);
  const mine = extra.path === path && extra.rows.length > 0;
  const live = useLive<Answer & { [key: string]: T[] }>(path, mine ? 0 : REFRESH_MS, true);
  const first = (live.data?.[key] as T[] | undefined) ?? [];
  const next = mine ? extra.next : (live.data?.next ?? null);

  const more = async (): Promise<void> => {
    if (!next || loadingMore) return;
    setLoadingMore(true);
    try {
      const join = path.includes('?') ? '&' : '?';
      const page = await getJson<Answer & { [key: string]: T[] }>(`${path}${join}cursor=${encodeURIComponent(next)}`);
      setExtra({ path, rows: [...(mine ? extra.rows : []), ...((page[key] as T[] | undefined) ?? [])], next: page.next });
    } catch (e) {
      if (!(e instanceof ApiError)) connection.failed(e instanceof Error ? e.message : String(e));
    }
    setLoadingMore(false);
  };
  return {
    ...live,
    rows: mine ? [...first, ...extra.rows] : first,
    total: live.data?.total ?? null,
    hasMore: next !== null,
    loadingMore,
    paused: mine,
    more: () => void more(),
    newest: () => setExtra({ path: '', rows: [], next: null }),
  };
}

export function ListFoot(props: { list: Listing<unknown>; noun: string }): JSX.Element | null {
  const { list } = props;
  if (!list.hasMore && !list.paused) return null;
  return (
    <div class="list-foot">
      {list.hasMore && (
        <button type="button" class="button" onClick={list.more} disabled={list.loadingMore}>
          {list.loadingMore ? 'Loading…' : `More ${props.noun}`}
        </button>
      )}
      {list.paused && (
        <button type="button" class="button" onClick={list.newest}>Back to the newest</button>
      )}
      {list.paused && <span class="quiet">Not refreshed while more than the first page is shown.</span>}
    </div>
  );
}

/** The text filter of a page, in the address as ?q=. "/" puts the cursor here. */
export function Search({ placeholder }: { placeholder: string }): JSX.Element {
  const { params } = useRoute();
  const inAddress = params.get('q') ?? '';
  const [text, setText] = useState(inAddress);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    // Changed from outside (back button, a chip removed), not by our own typing.
    if (!timer.current) setText(inAddress);
  }, [inAddress]);
  const onInput = (value: string): void => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      timer.current = undefined;
      setParam('q', value.trim());
    }, 250);
  };
  return (
    <div class="search">
      <Icon name="search" />
      <input type="search" data-search placeholder={placeholder} aria-label={placeholder} value={text}
        onInput={(e) => onInput(e.currentTarget.value)} spellcheck={false} maxLength={200} />
      <kbd>/</kbd>
    </div>
  );
}

export interface Choice { value: string; label: string }

export function Select(props: { name: string; label: string; choices: Choice[]; any?: string }): JSX.Element {
  const { params } = useRoute();
  const value = params.get(props.name) ?? '';
  const known = !value || props.choices.some((c) => c.value === value);
  return (
    <label class={`select ${value ? 'select-set' : ''}`}>
      <span>{props.label}</span>
      <select name={props.name} value={value} onChange={(e) => setParam(props.name, e.currentTarget.value)}>
        <option value="">{props.any ?? 'any'}</option>
        {!known && <option value={value}>{value}</option>}
        {props.choices.map((c) => <option key={c.value} value={c.value}>{c.label}</option>)}
      </select>
    </label>
  );
}

/** An exact text, in the address once one has typed it: Enter, or leaving the field. */
export function TextFilter({ name, label }: { name: string; label: string }): JSX.Element {
  const { params } = useRoute();
  const value = params.get(name) ?? '';
  return (
    <label class={`select ${value ? 'select-set' : ''}`}>
      <span>{label}</span>
      <input name={name} value={value} maxLength={64} size={10} placeholder="any" spellcheck={false} onChange={(e) => setParam(name, e.currentTarget.value.trim())} />
    </label>
  );
}

/** A day (UTC). */
export function DateFilter({ name, label }: { name: string; label: string }): JSX.Element {
  const { params } = useRoute();
  const value = params.get(name) ?? '';
  return (
    <label class={`select ${value ? 'select-set' : ''}`}>
      <span>{label}</span>
      <input name={name} type="date" value={value} onChange={(e) => setParam(name, e.currentTarget.value)} />
    </label>
  );
}

/** Filters that were set by a link, each with a button that removes it. */
export function Chips({ chips }: { chips: { name: string; label: ComponentChildren }[] }): JSX.Element | null {
  const { params } = useRoute();
  const set = chips.filter((c) => params.get(c.name));
  if (!set.length) return null;
  return (
    <>
      {set.map((c) => (
        <button key={c.name} type="button" class="chip" onClick={() => setParam(c.name, '')} title="Remove this filter">
          {c.label}<Icon name="close" />
        </button>
      ))}
    </>
  );
}

/** The parameters of the address that the API knows for this list. */
export function apiPath(base: string, params: URLSearchParams, names: string[], fixed: { [name: string]: string } = {}): string {
  const q = new URLSearchParams(fixed);
  for (const name of names) {
    const value = params.get(name);
    if (value) q.set(name, value);
  }
  const text = q.toString();
  return text ? `${base}?${text}` : base;
}

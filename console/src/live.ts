// SPDX-License-Identifier: GPL-2.0-or-later
// Data that keeps itself fresh, and the one truth about the connection that all of it shares.

import { useEffect, useReducer, useRef, useState } from 'preact/hooks';
import { ApiError, getJson, serverNow } from './api';
import { askAt, changedBy, eventsAlive, onAlive, onEvent } from './events';

export const REFRESH_MS = 5000;
/** While what happens is told, the clock is for what no event tells of, and for a line that went dead. */
const TOLD_MS = 15000;

type Listener = () => void;

class Connection {
  /** Time of the last good answer; 0: none yet. */
  lastOk = 0;
  /** Time of the last good answer before it broke; null while all is well. */
  downSince: number | null = null;
  why = '';
  private listeners = new Set<Listener>();

  ok(): void {
    this.lastOk = serverNow();
    const was = this.downSince;
    this.downSince = null;
    this.tell();
    // Everything that failed asks again at once.
    if (was !== null) refreshAll();
  }

  failed(why: string): void {
    this.why = why;
    this.downSince ??= this.lastOk || serverNow();
    this.tell();
  }

  subscribe(fn: Listener): () => void {
    this.listeners.add(fn);
    return () => this.listeners.delete(fn);
  }

  private tell(): void {
    for (const fn of this.listeners) fn();
  }
}

export const connection = new Connection();

export function useConnection(): Connection {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => connection.subscribe(() => redraw(undefined)), []);
  return connection;
}

const refreshers = new Set<Listener>();

/** Ask again for everything on the page now. */
export function refreshAll(): void {
  for (const fn of refreshers) fn();
}

export interface Live<T> {
  data: T | null;
  /** The server's "no" (404, 400). A lost connection is no error here: see connection. */
  error: ApiError | null;
  /** The data shown is of an earlier path (a filter changed) or there is none yet. */
  pending: boolean;
}

/** Poll a path of the API. `every` 0: ask once. `keep`: show the old data while a new path loads. */
export function useLive<T>(path: string, every = REFRESH_MS, keep = false): Live<T> {
  const [state, setState] = useState<Live<T> & { path: string }>({
    data: null, error: null, pending: true, path: '',
  });
  const latest = useRef(path);
  latest.current = path;

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let running = false;
    let asked = false;
    let stopped = false;
    let asks = 0;
    const kinds = changedBy(path);
    const interval = (): number => (every && kinds.length && eventsAlive() ? Math.max(every, TOLD_MS) : every);

    const run = async (): Promise<void> => {
      if (running || stopped) return;
      clearTimeout(timer);
      if (asked && document.visibilityState === 'hidden') return;
      running = true;
      asked = true;
      asks = serverNow();
      try {
        const data = await getJson<T>(path);
        if (!stopped) setState({ data, error: null, pending: false, path });
        connection.ok();
      } catch (e) {
        if (e instanceof ApiError) {
          if (!stopped) setState({ data: null, error: e, pending: false, path });
          connection.ok();
        } else if (!stopped) {
          connection.failed(e instanceof Error ? e.message : String(e));
        }
      }
      running = false;
      if (!stopped && (every || connection.downSince !== null))
        timer = setTimeout(run, interval() || REFRESH_MS);
    };
    // Something happened that this may show; several at once are one question.
    let soon: ReturnType<typeof setTimeout> | undefined;
    const told = (kind: string): void => {
      if (!every || soon !== undefined || (kind !== 'reset' && !(kinds as string[]).includes(kind))) return;
      soon = setTimeout(() => {
        soon = undefined;
        // Asked before the event may be answered before it.
        if (running) told(kind);
        else void run();
      }, askAt(asks) - serverNow());
    };
    // The stream broke: not the rest of the long time, but the short one from now.
    const broke = (): void => {
      if (eventsAlive() || running || stopped || !every) return;
      clearTimeout(timer);
      timer = setTimeout(run, every);
    };

    // A page in the background need not ask; one that comes back asks at once.
    const wake = (): void => {
      if (document.visibilityState === 'visible') void run();
    };
    void run();
    refreshers.add(run);
    const forget = [onEvent(told), onAlive(broke)];
    document.addEventListener('visibilitychange', wake);
    return () => {
      stopped = true;
      clearTimeout(timer);
      clearTimeout(soon);
      for (const fn of forget) fn();
      refreshers.delete(run);
      document.removeEventListener('visibilitychange', wake);
    };
  }, [path, every]);

  if (state.path !== path) return { data: keep ? state.data : null, error: null, pending: true };
  return state;
}

/** The server's time, redrawn every `ms`. */
export function useNow(ms = 1000): number {
  const [now, setNow] = useState(serverNow());
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return now;
}

/** Whether what happens is told, or asked for by the clock. */
export function useTold(): boolean {
  const [told, setTold] = useState(eventsAlive());
  useEffect(() => {
    setTold(eventsAlive());
    return onAlive(() => setTold(eventsAlive()));
  }, []);
  return told;
}

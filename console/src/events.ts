// SPDX-License-Identifier: GPL-2.0-or-later
// What happens at the center, told as it happens (GET /api/v1/events): pages ask again for what it
// changed. One stream serves all tabs of a browser, as browsers open six connections to a server and no
// more; without the locks that this takes (plain HTTP from another machine), or while the stream is
// broken, pages ask every five seconds instead.

import { serverNow } from './api';

export type EventKind = 'crash' | 'reason' | 'alert' | 'issue' | 'job' | 'reset';

/** Server-sent events out of a stream's text; what is incomplete waits for the rest. */
export class EventParser {
  private rest = '';
  lastId = '';

  /** The names of the events that ended in this piece. */
  feed(piece: string): string[] {
    const names: string[] = [];
    const text = this.rest + piece;
    // The other half of this line break is still to come.
    const half = text.endsWith('\r') ? 1 : 0;
    const blocks = text.slice(0, text.length - half).replace(/\r\n?/g, '\n').split('\n\n');
    this.rest = (blocks.pop() ?? '') + '\r'.repeat(half);
    // Nothing of ours is so long: something else answers there.
    if (this.rest.length > 100_000) throw new Error('this is no stream of events');
    for (const block of blocks) {
      let name = '';
      let data = false;
      for (const line of block.split('\n')) {
        const [, field, value] = /^([a-z]+): ?(.*)$/.exec(line) ?? [];
        if (field === 'event') name = value ?? '';
        else if (field === 'id') this.lastId = value ?? '';
        else if (field === 'data') data = true;
      }
      if (data && name) names.push(name);
    }
    return names;
  }
}

/** "alert-fired" and its like are one kind to pages. */
export function eventKind(name: string): EventKind {
  return (name.startsWith('alert-') ? 'alert' : name) as EventKind;
}

const CHANGES: [RegExp, EventKind[]][] = [
  [/^\/api\/v1\/overview/, ['crash', 'reason', 'alert', 'issue', 'job']],
  [/^\/api\/v1\/alerts/, ['alert', 'crash']],
  [/^\/api\/v1\/(crashes|reasons)(\?|$|\/\d+$)/, ['crash', 'reason', 'issue', 'alert']],
  [/^\/api\/v1\/hosts/, ['crash', 'alert']],
  [/^\/api\/v1\/issues/, ['issue', 'crash']],
];

/** After which events the answer at `path` may be another; for all else it is asked by the clock. */
export function changedBy(path: string): EventKind[] {
  return CHANGES.find(([pattern]) => pattern.test(path))?.[1] ?? [];
}

type Said = { kind: EventKind } | { alive: boolean } | { ask: true };

/** The server sends a sign of life every 15 seconds. */
const SILENCE_MS = 40_000;
const AGAIN_MS = 3_000;

const listeners = new Set<(kind: EventKind) => void>();
const watchers = new Set<() => void>();
let alive = false;
let leads = false;
let running: AbortController | null = null;
let channel: BroadcastChannel | null = null;

/** Whether what happens is told just now. */
export function eventsAlive(): boolean {
  return alive;
}

export function onEvent(fn: (kind: EventKind) => void): () => void {
  listeners.add(fn);
  return () => void listeners.delete(fn);
}

/** Call `fn` when the stream begins or breaks. */
export function onAlive(fn: () => void): () => void {
  watchers.add(fn);
  return () => void watchers.delete(fn);
}

function setAlive(to: boolean): void {
  if (alive === to) return;
  alive = to;
  for (const fn of watchers) fn();
}

function hand(kind: EventKind): void {
  for (const fn of listeners) fn(kind);
}

/** As the one tab that has the stream: here, and to the others. */
function tell(said: { kind: EventKind } | { alive: boolean }): void {
  channel?.postMessage(said);
  if ('alive' in said) setAlive(said.alive);
  else hand(said.kind);
}

async function follow(parser: EventParser, stopped: AbortSignal): Promise<void> {
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  let timer = setTimeout(stop, SILENCE_MS);
  stopped.addEventListener('abort', stop);
  try {
    const response = await fetch('/api/v1/events', {
      signal: abort.signal, cache: 'no-store', headers: parser.lastId ? { 'Last-Event-ID': parser.lastId } : {},
    });
    if (!response.ok || !response.body) return;
    tell({ alive: true });
    // What happened between the page's first questions and now.
    if (!parser.lastId) tell({ kind: 'reset' });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(stop, SILENCE_MS);
      for (const name of parser.feed(value)) tell({ kind: eventKind(name) });
    }
  } finally {
    clearTimeout(timer);
    stopped.removeEventListener('abort', stop);
    abort.abort();
  }
}

async function lead(stopped: AbortSignal): Promise<void> {
  const parser = new EventParser();
  leads = true;
  while (!stopped.aborted) {
    await follow(parser, stopped).catch(() => undefined);
    if (stopped.aborted) break;
    tell({ alive: false });
    // Not all browsers at the same moment when the center comes back.
    await new Promise<void>((resolve) => {
      setTimeout(resolve, AGAIN_MS * (1 + Math.random()));
      stopped.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  leads = false;
}

export function startEvents(): void {
  if (running || !('locks' in navigator) || !('BroadcastChannel' in window) || !('TextDecoderStream' in window)) return;
  const { signal } = running = new AbortController();
  channel = new BroadcastChannel('eyrie-events');
  channel.onmessage = (e: MessageEvent<Said>): void => {
    if ('ask' in e.data) {
      if (leads) channel?.postMessage({ alive });
    } else if ('alive' in e.data) {
      setAlive(e.data.alive);
      if (e.data.alive) hand('reset');
    } else {
      hand(e.data.kind);
    }
  };
  channel.postMessage({ ask: true });
  // The tab that has the lock has the stream; when it goes, the next one gets both.
  navigator.locks.request('eyrie-events', { signal }, () => lead(signal)).catch(() => undefined);
}

export function stopEvents(): void {
  running?.abort();
  running = null;
  if (leads) channel?.postMessage({ alive: false });
  channel?.close();
  channel = null;
  setAlive(false);
}

/** When to ask again after an event: soon, but no browser asks more than every two seconds, nor all at once. */
export function askAt(lastAsked: number): number {
  return Math.max(serverNow() + 150 + Math.random() * 350, lastAsked + 2_000);
}

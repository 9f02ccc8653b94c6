// SPDX-License-Identifier: GPL-2.0-or-later
// The API's answers as types (docs/openapi.yaml), and asking for them.

export interface Model { id: number; vendor: string | null; product: string | null }

export interface Crash {
  id: number;
  time: string;
  received: string;
  uptime_seconds: number | null;
  host: { id: number; name: string; site: string };
  boot_id: string | null;
  model: Model | null;
  firmware: string | null;
  kernel: string | null;
  kernel_version: string | null;
  machine: string | null;
  reason: { id: number; key: string; state: string; issue_id: number | null; crashes: number };
  verdict: 'new' | 'known';
  triage: string;
  kind: string | null;
  title: string | null;
  function: string | null;
  module: string | null;
  guilty: string | null;
  signature: string | null;
  comm: string | null;
  taint: string | null;
  cpu: number | null;
  pid: number | null;
  corrupted: boolean;
  engine: string | null;
  gaps: number;
  path: string | null;
  dump: { state: string; bytes: number; format: string | null; complete: boolean; purged: string | null };
}

export interface Reason {
  id: number;
  key: string;
  kind: string | null;
  guilty: string | null;
  title: string | null;
  state: string;
  first_seen: string;
  last_seen: string;
  received: string;
  first_crash_id: number;
  issue_id: number | null;
  crashes: number;
  hosts: number;
  dumps: number;
  merged_into: number | null;
}

/** A merge or a split of reasons. */
export interface ReasonChange {
  id: number;
  what: 'merge' | 'split' | 'regroup';
  from: { id: number; key: string; title: string | null };
  to: { id: number; key: string; title: string | null };
  by: 'signature' | 'guilty' | 'kernel' | null;
  value: string | null;
  time: string;
  who: string;
  why: string;
  undone: string | null;
  undone_by: string | null;
  undone_why: string | null;
  moving: boolean;
}

export interface ReasonPreview { crashes: number; hosts: number; dumps: number; looked_at: number; issue_id: number | null }

export interface Issue {
  id: number;
  version: number;
  title: string;
  state: string;
  owner: string;
  vendor: string;
  vendor_case: string;
  link: string;
  upstream: string;
  notes: string;
  created: string;
  updated: string;
  reasons: number;
  crashes: number;
  last_seen: string | null;
}

export interface IssueEvent { time: string; who: string; what: string; old: string; new: string; why: string }

export interface IssuePage {
  issue: Issue;
  reasons: Reason[];
  fixes: { id: number; distribution: string; package: string; format: string; version: string }[];
  rules: { id: number; kind: string; function: string; module: string }[];
  history: IssueEvent[];
}

export interface Host {
  id: number;
  name: string;
  site: string;
  folder: string;
  machine_id: string | null;
  dmi_uuid: string | null;
  dmi_serial: string | null;
  model: Model | null;
  firmware: string | null;
  kernel: string | null;
  image: string | null;
  life: HostLife;
  last_beat: string | null;
  first_seen: string | null;
  last_seen: string | null;
  crashes: number;
  reasons: number;
  alert_id: number | null;
}

export const LIVES = ['production', 'maintenance', 'lab', 'decommissioned'] as const;
export type HostLife = typeof LIVES[number];

export interface Twin {
  host_id: number | null;
  name: string | null;
  site: string | null;
  machine_id: string;
  first_seen: string | null;
  last_seen: string | null;
  at_once: boolean;
}

export interface Change {
  id: number;
  time: string;
  site: string | null;
  everywhere: boolean;
  tool: string;
  what: string;
  link: string | null;
  who: string | null;
  hosts: number;
}

export interface Alert {
  id: number;
  scope: 'host' | 'model' | 'reason';
  subject: { id: number; name: string };
  summary: string;
  hint: string | null;
  state: 'firing' | 'acknowledged' | 'resolved';
  since: string;
  updated: string;
  resolved: string | null;
  acknowledged: string | null;
  who: string | null;
  count: number;
  threshold: number;
  window_seconds: number;
  crashes: number;
  hosts: number;
  reasons: number;
}

export interface Day { day: string; crashes: number; hosts: number; new_reasons: number }
export interface Hour { hour: string; crashes: number; hosts: number; new_reasons: number }

export interface Top {
  id: number;
  label: string | null;
  detail: string | null;
  crashes: number;
  hosts: number;
  reasons: number;
  new_reasons: number;
  first_seen: string;
  last_seen: string;
}

export interface Totals { crashes: number; hosts: number; reasons: number; new_reasons: number }

export interface Job {
  name: string;
  state: 'waiting' | 'running' | 'ok' | 'failed' | 'off';
  interval_seconds: number;
  last_start: string | null;
  last_ok: string | null;
  failing_since: string | null;
  next: string | null;
  milliseconds: number;
  runs: number;
  failures: number;
  message: string | null;
}

export interface Overview {
  server: { version: string; started: string; repository: string };
  fleet: {
    crashes: number;
    hosts: number;
    reasons: number;
    models: number;
    reasons_unseen: number;
    alerts_firing: number;
    alerts_acknowledged: number;
    last_crash: string | null;
    last_received: string | null;
    dumps: number;
    dump_bytes: number;
    rejected: number;
    mails_waiting: number;
    day: Totals;
    day_before: Totals;
    week: Totals;
  };
  alerts: Alert[];
  hours: Hour[];
  days: Day[];
  new_reasons: Reason[];
  top_reasons: Top[];
  top_hosts: Top[];
  top_models: Top[];
  top_kernels: Top[];
  sites: Top[];
  latest: Crash[];
  jobs: Job[];
}

export interface Frame {
  function: string | null;
  offset: number | null;
  size: number | null;
  module: string | null;
  address?: string;
  reliable: boolean;
  line?: number;
}

export interface Stack { pid: number; comm: string; cpu: number; address: string; frames: Frame[] }
export interface Task {
  pid: number;
  ppid: number;
  cpu: number;
  state: string;
  comm: string;
  address: string;
  vsz_kib: number;
  rss_kib: number;
}

/** What the hardware itself reported (docs/record.schema.json); what is not known is not there. */
export interface HardwareReport {
  source: string;
  severity: string;
  corrected: boolean;
  class?: string;
  detail?: string;
  unit?: string;
  cpu?: number;
  socket?: number;
  bank?: number;
  status?: string;
  flags?: string[];
  address?: string;
  syndrome?: string;
  vendor?: string;
  cpuid?: string;
  microcode?: string;
  device?: string;
  device_id?: string;
  dimm?: string;
  location?: string;
  kernel_says?: string;
  records?: number;
  lines?: { [part: string]: number };
}

// record.json without log and tasks; every part may be missing, as records come from outside.
export interface CrashRecord {
  event?: {
    kind?: string;
    title?: string;
    function?: string | null;
    offset?: number | null;
    size?: number | null;
    module?: string | null;
    guilty?: string | null;
    signature?: string | null;
    reason?: string;
    hardware?: string | null;
    frames?: Frame[];
    corrupted?: boolean;
    panic?: string;
    first_line?: number;
    last_line?: number;
    /** The line of the log, from 1, that each field came from. */
    lines?: { [field: string]: number };
    stuck_seconds?: number;
    verdict?: string;
    evidence?: string;
    hints?: { verdict: string; evidence: string }[];
    hardware_error?: HardwareReport;
  } | null;
  gaps?: { what?: string; why?: string }[];
  system?: {
    release?: string;
    version?: string;
    machine?: string;
    cpus?: number;
    memory_bytes?: number;
    uptime_seconds?: number;
    load?: number[];
    taint?: string | null;
  };
  inventory?: { [key: string]: unknown };
  panic_task?: { pid?: number; comm?: string; cpu?: number; address?: string } | null;
  stacks?: Stack[];
  modules?: { name: string; base: string; size: number; taint: string | null }[];
}

/** Who keeps dumps from being removed. */
export interface Hold {
  id: number;
  scope: 'crash' | 'reason' | 'host' | 'issue';
  subject: number;
  who: string;
  why: string;
  created: string;
  ends: string | null;
}

export interface DumpState {
  checked: string | null;
  damage: string | null;
  holds: Hold[];
  removals: { crash: number; time: string; kind: string; why: string; bytes: number }[];
}

export interface CrashPage {
  crash: Crash;
  dump_state: DumpState;
  record: CrashRecord | null;
  alerts: Alert[];
  same_reason: Crash[];
}

export interface ReasonPage {
  reason: Reason;
  signatures: { signature: string; first_seen: string; last_seen: string; crashes: number }[];
  kernels: Top[];
  models: Top[];
  firmwares: Top[];
  sites: Top[];
  hosts: Top[];
  /** What the five before are made of: the newest crashes. */
  spread: { crashes: number; since: string | null; complete: boolean };
  days: Day[];
  alerts: Alert[];
  latest: Crash[];
}

export interface HostPage {
  host: Host;
  alerts: Alert[];
  reasons: Top[];
  days: Day[];
  boots: {
    boot_id: string | null;
    kernel: string | null;
    firmware: string | null;
    started: string | null;
    last_seen: string | null;
    crash_id: number | null;
    changed: { what: string; from: string | null; to: string | null }[] | null;
  }[];
  life_history: { time: string; who: string; old: HostLife; new: HostLife; why: string }[];
  labels: { name: string; value: string; source: 'host' | 'import' }[];
  twins: Twin[];
  changes: Change[];
  latest: Crash[];
}

export interface Word { id: number; label: string | null; crashes: number }
export interface Facets { kinds: Word[]; kernels: Word[]; models: Word[]; sites: Word[] }

/** What the server said no with. */
export class ApiError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** The server could not be reached, or could not answer just now. */
export class Unreachable extends Error {}

const TIMEOUT_MS = 15_000;

/** Server time minus ours, as of the last answer, milliseconds. */
let skew = 0;

export function serverNow(): number {
  return Date.now() + skew;
}

let signedOut = (): void => {};

/** Call `fn` where the server does not know us any more. */
export function onSignedOut(fn: () => void): void {
  signedOut = fn;
}

/** What changes must send back, so that no page of another site can make them. */
let csrf: string | null = null;

export function setCsrf(word: string | null): void {
  csrf = word;
}

function changing(headers: { [name: string]: string }): { [name: string]: string } {
  return csrf ? { ...headers, 'X-Eyrie-CSRF': csrf } : headers;
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(path, { ...init, signal: abort.signal });
  } catch {
    throw new Unreachable('the server does not answer');
  } finally {
    clearTimeout(timer);
  }
  const date = Date.parse(response.headers.get('date') ?? '');
  // The header has whole seconds: smaller differences are not worth a jump of the clock.
  if (!Number.isNaN(date) && Math.abs(date - Date.now() - skew) > 2000) skew = date - Date.now();
  if (response.ok) return response;
  let message = `the server answered ${response.status}`;
  try {
    message = ((await response.json()) as { error: { message: string } }).error.message;
  } catch {
    // Not ours: something between us and the server.
  }
  if (response.status === 401 && path !== '/api/v1/session') signedOut();
  if (response.status >= 500) throw new Unreachable(message);
  throw new ApiError(response.status, message);
}

/**
 * Texts come from machines that may lie: what steers a terminal, or turns the direction of the text around
 * it, is shown as its code. Line breaks and tabs stay; "Save" and "Raw" give the bytes as they are.
 */
export function visible(text: string): string {
  return text.replace(/\r(?!\n)|[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** JSON whose texts are made visible: they may hold as escapes what the text itself must not. */
export function parseJson(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => (typeof value === 'string' ? visible(value) : value));
}

export async function getJson<T>(path: string): Promise<T> {
  const response = await ask(path, {});
  try {
    return parseJson(await response.text()) as T;
  } catch {
    throw new Unreachable('the answer was cut off');
  }
}

export async function getText(path: string): Promise<string> {
  return visible(await (await ask(path, {})).text());
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  const response = await ask(path, {
    method: 'POST',
    headers: changing({ 'Content-Type': 'application/json' }),
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}

export async function remove<T>(path: string): Promise<T> {
  return (await (await ask(path, { method: 'DELETE', headers: changing({}) })).json()) as T;
}

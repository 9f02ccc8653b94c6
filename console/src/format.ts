// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers and times as people on watch read them. All clock times are UTC, as in the logs.

export function number(n: number): string {
  return n.toLocaleString('en-US');
}

export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return `${n >= 100 || i === 0 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${number(n)} ${n === 1 ? one : many}`;
}

/** A time span in its largest unit, two units where the first is small: "45 s", "2 h 5 min". */
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m} min`;
  const h = Math.floor(m / 60);
  if (h < 10) return m % 60 ? `${h} h ${m % 60} min` : `${h} h`;
  if (h < 48) return `${h} h`;
  const d = Math.floor(h / 24);
  if (d < 10) return h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
  return `${number(d)} d`;
}

export function ago(time: string | number, now: number): string {
  const t = typeof time === 'number' ? time : Date.parse(time);
  const s = (now - t) / 1000;
  // A host's clock may run ahead of ours.
  if (s < -90) return `in ${span(-s)}`;
  if (s < 5) return 'just now';
  return `${span(s)} ago`;
}

export function clock(time: number): string {
  return new Date(time).toISOString().slice(11, 19);
}

/** "2026-11-23 14:35:46" */
export function utc(time: string | number): string {
  const t = typeof time === 'number' ? new Date(time).toISOString() : time;
  return t.replace('T', ' ').replace('Z', '').slice(0, 19);
}

/** "23 Nov 14:35" while it is this year, else with the year. */
export function shortUtc(time: string, now: number): string {
  const d = new Date(time);
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const day = `${d.getUTCDate()} ${months[d.getUTCMonth()]}`;
  const hm = time.slice(11, 16);
  return d.getUTCFullYear() === new Date(now).getUTCFullYear() ? `${day} ${hm}` : `${day} ${d.getUTCFullYear()}`;
}

export function modelName(m: { vendor: string | null; product: string | null } | null): string {
  return m ? [m.vendor, m.product].filter(Boolean).join(' ') : '';
}

export function hex(n: number): string {
  return `0x${n.toString(16)}`;
}

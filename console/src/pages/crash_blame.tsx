// SPDX-License-Identifier: GPL-2.0-or-later
// Whose fault a crash may be, and what the hardware itself reported.

import type { ComponentChildren, JSX } from 'preact';
import type { CrashRecord } from '../api';
import { FromLine } from '../ui/line';
import { Facts, Panel } from '../ui/parts';

const WORDS: { [verdict: string]: string } = {
  'hardware': 'Likely broken hardware',
  'out-of-tree': 'Likely a module from outside the kernel',
};

export function Hints({ record }: { record: CrashRecord | null }): JSX.Element | null {
  const event = record?.event;
  const hints = event?.hints ?? (event?.verdict ? [{ verdict: event.verdict, evidence: event.evidence ?? '' }] : []);
  if (!hints.length) return null;
  return (
    <div class="note note-hint" role="note" aria-label="Hints">
      {hints.map((h, i) => <p key={i}><b>{WORDS[h.verdict] ?? h.verdict}</b>{h.evidence ? `: ${h.evidence}.` : ''}</p>)}
    </div>
  );
}

export function HardwareError({ record }: { record: CrashRecord | null }): JSX.Element | null {
  const e = record?.event?.hardware_error;
  if (!e) return null;
  const where = [
    e.bank === undefined ? '' : `bank ${e.bank}`, e.cpu === undefined ? '' : `CPU ${e.cpu}`,
    e.socket === undefined ? '' : `socket ${e.socket}`,
  ].filter(Boolean).join(', ');
  const facts: [string, ComponentChildren][] = [
    ['What', <FromLine line={e.lines?.status} what="What">{[e.severity, e.detail || e.class].filter(Boolean).join(' ')}</FromLine>],
  ];
  const add = (name: string, value: string | undefined, line?: number, mono = false): void => {
    if (value) facts.push([name, <FromLine line={line} what={name}><span class={mono ? 'mono' : ''}>{value}</span></FromLine>]);
  };
  add('Class', e.class);
  add('Part', e.unit);
  add('Where', where);
  add('Module', e.dimm, e.lines?.dimm);
  add('Location', e.location);
  add('Device', [e.device, e.device_id && `[${e.device_id}]`].filter(Boolean).join(' '), e.lines?.device);
  add('Address', e.address, e.lines?.address, true);
  add('Status', e.status && [e.status, ...(e.flags ?? [])].join(' '), e.lines?.status, true);
  add('Syndrome', e.syndrome, undefined, true);
  add('Processor', e.cpuid && [e.vendor, e.cpuid, e.microcode && `microcode ${e.microcode}`].filter(Boolean).join(' '), e.lines?.processor);
  add('Kernel says', e.kernel_says);
  add('Records', e.records === undefined ? undefined : `${e.records}, of which this is the worst`);
  return <Panel title="Hardware error" note={<span class="quiet">reported by {e.source}</span>}><Facts facts={facts} /></Panel>;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The call trace of the event, with the frame that is blamed marked.

import type { JSX } from 'preact';
import type { Crash, CrashRecord, Frame } from '../api';
import { hex } from '../format';
import { LineNumber, usePointing } from '../ui/line';
import { Copy, Panel } from '../ui/parts';

/** "vfs_write+0xc7/0x3f0 [ext4]", as the kernel prints it. */
export function frameText(f: Frame): string {
  let text = f.function ?? f.address ?? '?';
  if (f.function && typeof f.offset === 'number') text += `+${hex(f.offset)}`;
  if (f.function && typeof f.offset === 'number' && typeof f.size === 'number' && f.size) text += `/${hex(f.size)}`;
  return f.module ? `${text} [${f.module}]` : text;
}

/** The name in the source: compilers append ".cold", ".isra.0", ".constprop.3", ".part.1". */
export function sourceName(symbol: string | null | undefined): string {
  return (symbol ?? '').replace(/\.(cold|isra|constprop|part|llvm|lto_priv)(\.\d+)?.*$/, '');
}

/** How the crash was handled, not what led to it: shown faint. */
const MACHINERY = new Set([
  'machine_kexec', '__crash_kexec', 'crash_kexec', 'oops_end', 'page_fault_oops', 'die', 'die_addr', 'panic',
  'vpanic', 'do_trap', 'do_error_trap', 'exc_invalid_op', 'asm_exc_invalid_op', 'exc_page_fault',
  'asm_exc_page_fault', 'handle_bug', 'no_context', '__bad_area_nosemaphore', 'bad_area_nosemaphore',
  'exc_general_protection', 'asm_exc_general_protection', 'dump_stack', 'dump_stack_lvl', 'show_stack',
  '__show_regs', 'show_regs', '__warn', 'report_bug', 'kernelmode_fixup_or_oops', '__die', '__die_body', 'crash_save_cpu',
]);

function FrameRow({ f, i, blamed }: { f: Frame; i: number; blamed: boolean }): JSX.Element {
  const pointing = usePointing(f.line);
  const name = f.function ?? f.address ?? '?';
  return (
    <li class={`frame ${blamed ? 'frame-guilty' : ''} ${f.reliable ? '' : 'frame-unreliable'} ${!blamed && f.function && MACHINERY.has(f.function) ? 'frame-machinery' : ''}`} {...pointing}>
      <span class="frame-index num">{i}</span>
      <span class="frame-name">{f.reliable ? '' : <span title="Found on the stack, but perhaps left from an earlier call">? </span>}{name}
        <span class="frame-offset">{frameText({ ...f, module: null }).slice(name.length)}</span>
        {f.module && <span class="frame-module">{f.module}</span>}
      </span>
      {blamed && <span class="frame-tag">blamed</span>}
      {!f.reliable && <span class="frame-tag frame-tag-soft">unreliable</span>}
      <LineNumber line={f.line} what={name} />
    </li>
  );
}

export function Frames(props: { frames: Frame[]; guilty?: string | null; label: string }): JSX.Element {
  const blame = sourceName(props.guilty);
  const at = blame ? props.frames.findIndex((f) => sourceName(f.function) === blame) : -1;
  return (
    <ol class="frames" aria-label={props.label}>
      {props.frames.map((f, i) => <FrameRow key={i} f={f} i={i} blamed={i === at} />)}
    </ol>
  );
}

export function CallTrace({ record, crash }: { record: CrashRecord | null; crash: Crash }): JSX.Element {
  const event = record?.event;
  const traced = event?.frames?.length ? event.frames : (record?.stacks?.[0]?.frames ?? []);
  // Where the event is may not be on the trace itself (the kernel prints it as "RIP:").
  const here: Frame | null = event?.function && sourceName(traced[0]?.function) !== sourceName(event.function) &&
    !traced.some((f) => f.function === event.function && f.offset === event.offset)
    ? { function: event.function, offset: event.offset ?? null, size: event.size ?? null, module: event.module ?? null, reliable: true,
      ...(event.lines?.function ? { line: event.lines.function } : {}) }
    : null;
  const frames = here ? [here, ...traced] : traced;
  const text = frames.map((f) => `${f.reliable ? '' : '? '}${frameText(f)}`).join('\n');
  return (
    <Panel title="Call trace" class="trace"
      note={frames.length > 0 && <><span class="quiet">innermost first</span> <Copy text={text} label="Copy the call trace" /></>}>
      {frames.length
        ? <Frames frames={frames} guilty={event?.guilty ?? crash.guilty} label="Call trace, innermost first" />
        : <p class="quiet">Neither the log nor the dump holds a call trace of this crash.</p>}
    </Panel>
  );
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Values that know which line of the kernel log they came from: pointing at one marks its line,
// its number leads there.

import { createContext, type ComponentChildren, type JSX } from 'preact';
import { useContext } from 'preact/hooks';

interface Log { point: (line: number) => void; jump: (line: number) => void }

export interface LogView extends Log {
  /** The log is on the page: it takes what is pointed at; the answer takes it off again. */
  attach: (log: Log) => () => void;
}

/** Between the values and the log, which may not be on the page: then `open` brings it there. */
export function makeLogView(open: () => void): LogView {
  let shown: Log | null = null;
  let wanted = 0;
  return {
    point: (line) => shown?.point(line),
    jump: (line) => {
      if (shown) {
        shown.jump(line);
      } else {
        wanted = line;
        open();
      }
    },
    attach: (log) => {
      shown = log;
      if (wanted) log.jump(wanted);
      wanted = 0;
      return () => {
        if (shown === log) shown = null;
      };
    },
  };
}

export const LogContext = createContext<LogView | null>(null);

/** The events that mark a line while something is pointed at; none where the line is not known. */
export function usePointing(line: number | null | undefined): { onMouseEnter?: () => void; onMouseLeave?: () => void } {
  const view = useContext(LogContext);
  if (!view || !line) return {};
  return { onMouseEnter: () => view.point(line), onMouseLeave: () => view.point(0) };
}

export function LineNumber({ line, what }: { line: number | null | undefined; what: string }): JSX.Element | null {
  const view = useContext(LogContext);
  if (!view || !line) return null;
  return (
    <button type="button" class="line-ref num" title={`Line ${line} of the kernel log`}
      aria-label={`${what}: line ${line} of the kernel log`} onClick={() => view.jump(line)}
      onFocus={() => view.point(line)} onBlur={() => view.point(0)}>{line}</button>
  );
}

export function FromLine(props: { line: number | null | undefined; what: string; children: ComponentChildren }): JSX.Element {
  const pointing = usePointing(props.line);
  return <span class="from-line" {...pointing}>{props.children}<LineNumber line={props.line} what={props.what} /></span>;
}

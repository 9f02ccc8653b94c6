// SPDX-License-Identifier: GPL-2.0-or-later
// Crashes over time as bars, by uPlot.

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { number } from '../format';

export interface Bar { time: string; crashes: number; hosts: number; new_reasons: number }

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function axisTime(t: number, step: number): string {
  const d = new Date(t * 1000);
  const midnight = d.getUTCHours() === 0;
  if (step >= 86400 || midnight) return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}`;
  return `${String(d.getUTCHours()).padStart(2, '0')}:00`;
}

function make(box: HTMLElement, data: uPlot.AlignedData, step: number, height: number, tip: HTMLElement): uPlot {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const font = `${Math.round(rem * 0.72)}px ${getComputedStyle(document.body).fontFamily}`;
  const bars = uPlot.paths.bars?.({ size: [0.78, 48], align: 1, radius: 0.12 });
  const grid = { stroke: colour('--line'), width: 1 };
  const ticks = { show: false };
  const lastTime = data[0].at(-1) ?? 0;
  return new uPlot(
    {
      width: box.clientWidth,
      height,
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), 'Etc/UTC'),
      padding: [8, 4, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { range: (_u, min, max) => [min, max + step] },
        y: { range: (_u, _min, max) => [0, Math.max(4, max * 1.08)] },
      },
      axes: [
        {
          stroke: colour('--muted'), font, grid: { show: false }, ticks, size: rem * 1.7,
          // The place after the last bar would be cut off at the edge.
          values: (_u, splits) => splits.map((t) => (t > lastTime - step ? '' : axisTime(t, step))),
          space: rem * 5,
        },
        {
          stroke: colour('--muted'), font, grid, ticks, size: rem * 2.6, space: rem * 2,
          values: (_u, splits) => splits.map((v) => (Number.isInteger(v) ? number(v) : '')),
        },
      ],
      series: [
        {},
        { fill: colour('--bar'), width: 0, ...(bars ? { paths: bars } : {}), points: { show: false } },
        { fill: colour('--new'), width: 0, ...(bars ? { paths: bars } : {}), points: { show: false } },
      ],
      hooks: {
        setCursor: [
          (u) => {
            const left = u.cursor.left ?? -1;
            const t0 = data[0][0];
            if (left < 0 || t0 === undefined) {
              tip.hidden = true;
              return;
            }
            const i = Math.floor((u.posToVal(left, 'x') - t0) / step);
            const t = data[0][i];
            if (t === undefined) {
              tip.hidden = true;
              return;
            }
            const when = new Date(t * 1000).toISOString();
            tip.textContent =
              `${when.slice(0, 10)}${step < 86400 ? ` ${when.slice(11, 16)}` : ''} · ` +
              `${number(data[1]?.[i] ?? 0)} crashes on ${number(data[3]?.[i] ?? 0)} hosts · ` +
              `${number(data[2]?.[i] ?? 0)} new reasons`;
            tip.hidden = false;
          },
        ],
      },
    },
    data.slice(0, 3) as uPlot.AlignedData,
    box,
  );
}

export function Chart(props: { bars: Bar[]; step: 'hour' | 'day'; height?: number; label: string }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const height = props.height ?? 160;
  // Redrawn when the numbers change, not each time that they are asked for.
  const key = JSON.stringify(props.bars);

  useEffect(() => {
    const element = box.current;
    const tipElement = tip.current;
    if (!element || !tipElement) return;
    const step = props.step === 'hour' ? 3600 : 86400;
    const data: uPlot.AlignedData = [
      props.bars.map((b) => Date.parse(b.time) / 1000),
      // No bar for zero: one of no height would still leave a hairline.
      props.bars.map((b) => b.crashes || null),
      props.bars.map((b) => b.new_reasons || null),
      props.bars.map((b) => b.hosts),
    ];
    const scale = (): number =>
      (height * parseFloat(getComputedStyle(document.documentElement).fontSize)) / 16;
    let plot = make(element, data, step, scale(), tipElement);
    const redraw = (): void => {
      plot.destroy();
      plot = make(element, data, step, scale(), tipElement);
    };
    let width = element.clientWidth;
    const size = new ResizeObserver(() => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      plot.setSize({ width, height: scale() });
    });
    size.observe(element);
    const theme = new MutationObserver(redraw);
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'data-wall'] });
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', redraw);
    return () => {
      size.disconnect();
      theme.disconnect();
      dark.removeEventListener('change', redraw);
      plot.destroy();
    };
  }, [key, props.step, height]);

  const total = props.bars.reduce((n, b) => n + b.crashes, 0);
  return (
    <div class="chart" role="img" aria-label={`${props.label}: ${number(total)} crashes in all`}>
      <div ref={box} class="chart-box" style={{ height: `${height / 16}rem` }} />
      <div ref={tip} class="chart-tip" hidden />
    </div>
  );
}
